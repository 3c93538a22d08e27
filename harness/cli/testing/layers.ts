import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { balances, type RunEnded, scenarioFile, startRun } from './volley.ts'

/** The key of the layers, which no output may contain. */
export const secret = 'not-to-be-shown'

/** A scenario with two layers and their key in the variable KEY; `more` is added as it is. */
export function layeredScenario(target: string, protocol = 'tlv', more = ''): string {
  return `name: layered
target: ${target}
protocol: ${protocol}
layers: [gzip, hmac-sha1]
layerKey: \${KEY}
connections: 4
load: { pipeline: 3 }
loop:
  - { send: { body: hello }, expect: echo }
  - { send: { body: "{{random 40}} of {{connection}}" }, expect: echo }
${more}`
}

/** Runs a scenario with the key in its variables. */
export function runWithKey(text: string, ...flags: string[]): Promise<RunEnded> {
  return startRun([scenarioFile(text), ...flags], { env: { KEY: secret } }).ended()
}

/** Expects that the run had the layers, that its server counted every request, and that the key is shown nowhere. */
export function expectServedInLayers({ code, stdout, stderr, report, folder }: RunEnded, protocol: string): void {
  expect(code).toBe(0)
  expect(report.totals.failures).toEqual({})
  expect(report.server?.requests).toBe(report.totals.sent)
  expect(report.scenario).toMatchObject({ layers: ['gzip', 'hmac-sha1'], layerKey: '***' })
  expect(stdout).toContain(`target     ${protocol} + gzip + hmac-sha1 over tcp://`)
  const files = ['report.json', 'journal.ndjson'].map(name => readFileSync(join(folder, name), 'utf8'))
  for (const text of [stdout, stderr, ...files]) expect(text).not.toContain(secret)
}

/** Expects that a server with another key has closed every connection before it answered a request. */
export function expectNoReply({ code, report }: RunEnded): void {
  expect(code).toBe(4)
  expect(report.totals.completed).toBe(0)
  expect(report.totals.sent).toBeGreaterThan(0)
  for (const kind of Object.keys(report.totals.failures)) expect(['closed-early', 'reset']).toContain(kind)
  expect(balances(report)).toBe(true)
}
