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
    expect(counts).toMatchObject({ requests: 20_000, replaced: 0, twice: 0, zero: 0 })
    expect(counts['largest']).toBeLessThanOrEqual(used)
    expect(counts['ids']).toBeLessThanOrEqual(used)
    if (max === 250) expect(counts).toMatchObject({ largest: used, ids: used })
  }
})

test('an RPC server in Python that replaces large ids has none to replace where id.max is below its limit', async ({
  skip,
}) => {
  const { server, address } = await startPython(skip, 'rpc_table_server.py', '1000')
  const { code, report } = await run(
    scenario(address, '{ rpc: { id: { max: 999 } } }', `requests: 20k\n${fieldsExpected}`),
  )
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ completed: 20_000, failures: {} })
  const counts = await countsOf(server)
  expect(counts).toMatchObject({ requests: 20_000, replaced: 0, twice: 0, zero: 0 })
  // Nine ids for each of the hundred requests.
  expect(counts['largest']).toBe(900)
})

test('volley run finds no request for the replies of an RPC server in Python that replaces its ids', async ({
  skip,
}) => {
  const { server, address } = await startPython(skip, 'rpc_table_server.py', '1000')
  const { report } = await run(scenario(address, 'rpc', `requests: 2000\ntimeout: 300ms\n${fieldsExpected}`))
  expect(balances(report)).toBe(true)
  const { totals } = report
  const counts = await countsOf(server)
  expect(counts).toMatchObject({ requests: 2000, zero: 0 })
  expect(counts['replaced']).toBeGreaterThan(0)
  // On a busy machine others may time out as well.
  expect(totals.failures['timeout']).toBeGreaterThanOrEqual(counts['replaced']!)
  expect(totals.failures['unexpected']).toBeGreaterThan(0)
})

test('volley run finds a version and an extension of an RPC reply that are not as expected', async ({ skip }) => {
  const { server, address } = await startPython(skip, 'rpc_table_server.py')
  const steps = ['{ version: 2 }', '{ extension: -8 }', '{ version: 3, extension: 8 }'].map(
    expected => `  - { send: { version: 2, extension: -8, body: hi }, expect: ${expected} }`,
  )
  const { report } = await run(scenario(address, 'rpc', `requests: 300\nloop:\n${steps.join('\n')}`), '-c', '1')
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
