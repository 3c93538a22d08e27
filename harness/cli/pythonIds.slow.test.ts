import { afterEach, expect, test } from 'vitest'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

/** Requests over two connections to an RPC server, with settings of the protocol. */
function scenario(address: string, protocol: string, rest: string): string {
  return scenarioFile(`
name: rpc-ids-python
target: { address: "${address}" }
protocol: ${protocol}
connections: 2
load: { mode: loop, pipeline: 100 }
${rest}`)
}

const fieldsExpected =
  'loop: [{ send: { type: 7, version: 2, extension: -8, body: "{{seq}}" }, expect: { type: 7, version: 3, extension: 8 } }]'

test('an RPC server in Python that keeps every id has as many as id.max allows, and none twice at a time', async ({
  skip,
}) => {
  for (const [max, used] of [
    [160_000, 160_000],
    [250, 200],
    [100, 100],
  ] as const) {
    const { server, address } = await startPython(skip, 'rpc_table_server.py')
    const file = scenario(address, `{ rpc: { id: { max: ${max} } } }`, `requests: 20k\n${fieldsExpected}`)
    const { code, report } = await run(file)
    expect(code).toBe(0)
    const { totals } = report
    expect(totals.failures).toEqual({})
    expect(totals).toMatchObject({ completed: 20_000, late: 0 })
    expect(balances(report)).toBe(true)
    const counts = await countsOf(server)
    expect(counts).toMatchObject({ requests: 20_000, connections: 2, replaced: 0, twice: 0, zero: 0 })
    expect(counts['largest']).toBeLessThanOrEqual(used)
    expect(counts['ids']).toBeLessThanOrEqual(used)
    if (max === 250) expect(counts).toMatchObject({ largest: used, ids: used })
  }
})

test('an RPC server in Python that replaces ids from 2^31 on finds none to replace', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'rpc_table_server.py')
  const { code, report } = await run(scenario(address, 'rpc', `duration: 500ms\nwarmup: 0s\n${fieldsExpected}`))
  expect(code).toBe(0)
  const { totals } = report
  expect(totals.failures).toEqual({})
  expect(totals.completed).toBeGreaterThan(0)
  const counts = await countsOf(server)
  expect(counts['requests']).toBe(totals.completed + totals.inFlightAtEnd)
  expect(counts).toMatchObject({ replaced: 0, twice: 0, zero: 0 })
})

test('volley run finds a version and an extension of an RPC reply that are not as expected', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'rpc_table_server.py')
  const steps = ['{ version: 2 }', '{ extension: -8 }', '{ version: 3, extension: 8 }'].map(
    expected => `  - { send: { version: 2, extension: -8, body: hi }, expect: ${expected} }`,
  )
  const { report } = await run(scenario(address, 'rpc', `requests: 300\nloop:\n${steps.join('\n')}`))
  const { totals } = report
  expect(totals.sent).toBe(300)
  expect(totals.completed).toBe(100)
  expect(totals.failures).toEqual({ unexpected: 200 })
  expect(report.samples?.map(({ expected }) => expected).toSorted()).toEqual([
    'extension -8 in its header',
    'version 2 in its header',
  ])
  expect((await countsOf(server))['requests']).toBe(300)
})
