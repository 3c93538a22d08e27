import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { packageRoot } from '../../built.ts'
import type { Report } from '../../report/record.ts'
import { balances } from './volley.ts'

/** The folder of the scenarios that come with volley. */
export const scenariosFolder: string = join(packageRoot, 'scenarios')

/** The file names of those scenarios. */
export const scenarioFiles: readonly string[] = readdirSync(scenariosFolder).filter(file => file.endsWith('.yaml'))

/** Whether losing datagrams is the purpose of a scenario. A busy machine may also exceed the time in its threshold. */
export function isLossy(file: string): boolean {
  return file === 'udp-lossy.yaml'
}

/** Expects that a run of a shipped scenario failed in nothing but lost datagrams; returns how many were lost. */
export function expectSound(report: Report, file: string): number {
  const { totals, datagrams, findings } = report
  const lost = isLossy(file) ? datagrams!.lost : 0
  expect(totals.failures).toEqual(lost > 0 ? { timeout: lost } : {})
  expect(totals.completed).toBeGreaterThan(0)
  expect(balances(report)).toBe(true)
  const errors = findings.filter(({ code }) => code === 'conservation' || (code === 'errors' && !isLossy(file)))
  expect(errors).toEqual([])
  return lost
}
