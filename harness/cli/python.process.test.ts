import { afterEach, expect, test } from 'vitest'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

test('a TLV server in Python answers every request, and counts what volley counts', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'tlv_server.py')
  const file = scenarioFile(`
name: tlv-python
target: { address: "${address}" }
protocol: tlv
connections: 6
load: { mode: loop, pipeline: 8 }
requests: 200
connect:
  - { send: { type: 9, body: hello }, expect: { type: 9, body: hello } }
mix:
  - { send: { type: 1, body: "{{seq}} {{uuid}}" }, expect: echo, weight: 6 }
  - { send: { type: 4294967295, body: "" }, expect: echo, weight: 1 }
  - { send: { type: 2, body: { random: 300KiB } }, expect: echo, weight: 1 }
`)
  const { code, report } = await run(file)
  expect(code).toBe(0)
  const { totals } = report
  expect(totals.failures).toEqual({})
  expect(totals.completed).toBe(200)
  expect(balances(report)).toBe(true)
  const counts = await countsOf(server)
  expect(counts['requests']).toBe(totals.completed + totals.inFlightAtEnd + totals.handshakes.sent)
  expect(counts['bytesIn']).toBe(totals.bytesSent)
})
