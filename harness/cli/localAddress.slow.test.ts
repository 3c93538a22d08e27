import { afterEach, expect, test } from 'vitest'
import { countsOf, startPython } from './testing/python.ts'
import { cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

const cases = ['epoll', 'node'].flatMap(transport =>
  (['tcp', 'udp'] as const).flatMap(scheme =>
    (['127.0.0.1', '::1'] as const).map(host => [transport, scheme, host] as const),
  ),
)

test.for(cases)(
  '{{localAddress}} is what a Python server sees, over %s, %s, %s',
  async ([transport, scheme, host], { skip }) => {
    const { server, address } = await startPython(skip, 'address_server.py', scheme, host)
    const shown = host === '::1' ? '[::1]' : host
    const target = `${scheme}://${shown}:${new URL(address).port}`
    const file = scenarioFile(`
name: address
target: { address: "${target}" }
protocol: line
connections: 20
requests: 2000
loop: [{ send: "{{localAddress}}", expect: { equals: "yes" } }]
`)
    const { code, report } = await run(file, '--warmup', '0s', '--transport', transport)
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ sent: 2000, completed: 2000, failures: {} })
    expect(await countsOf(server)).toEqual({ yes: 2000, no: 0 })
  },
)
