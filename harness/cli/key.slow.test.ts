import { afterEach, expect, test, vi } from 'vitest'
import { cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await cleanUp()
})

const secret = 'not-to-be-shown'

test('volley run starts the server of a scenario as the scenario says, whatever key or secret is exported', async () => {
  const exported = { VOLLEY_SERVE_KEY: secret, VOLLEY_SERVE_LAYER_KEY: secret, VOLLEY_SERVE_SECRET: secret }
  const servers = [
    ['echo', 'raw', 'hello'],
    ['tlv', 'tlv', '{ type: 1, body: hello }'],
    ['rpc', 'rpc', '{ type: 1, body: hello }'],
  ]
  // The server inherits the variables of the whole process.
  for (const [name, value] of Object.entries(exported)) vi.stubEnv(name, value)
  for (const [server, protocol, send] of servers) {
    const file = scenarioFile(
      `name: open\ntarget: { serve: ${server} }\nprotocol: ${protocol}\nrequests: 10\nloop: [{ send: ${send}, expect: echo }]\n`,
    )
    const { code, stderr, report } = await run(file)
    expect(`${code} ${report.totals.completed}`, stderr).toBe('0 10')
  }
})
