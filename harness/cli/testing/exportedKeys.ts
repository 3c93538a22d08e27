import { expect, vi } from 'vitest'
import { run, scenarioFile } from './volley.ts'

/**
 * Runs a scenario whose server has no key, while the keys and secrets of reference servers are exported, and expects that
 * they change nothing. The caller calls `vi.unstubAllEnvs` afterwards.
 */
export async function expectExportsIgnored(server: string, protocol: string, send: string): Promise<void> {
  // The server inherits the variables of the whole process.
  for (const name of ['VOLLEY_SERVE_KEY', 'VOLLEY_SERVE_LAYER_KEY', 'VOLLEY_SERVE_SECRET']) {
    vi.stubEnv(name, 'not-to-be-used')
  }
  const file = scenarioFile(
    `name: open\ntarget: { serve: ${server} }\nprotocol: ${protocol}\nrequests: 10\nloop: [{ send: ${send}, expect: echo }]\n`,
  )
  const { code, stderr, report } = await run(file)
  expect(`${code} ${report.totals.completed}`, stderr).toBe('0 10')
}
