import { afterEach, expect, test } from 'vitest'
import { memcachedCounts, startMemcached } from './testing/otherServers.ts'
import { countsOf, startPython } from './testing/python.ts'
import { balances, cleanUp, run, scenarioFile } from './testing/volley.ts'

afterEach(cleanUp)

/** Runs 2,000 requests against a server of this folder, of which each has to be answered as its step says. */
async function expectWhole(skip: (why: string) => void, [script, ...args]: readonly string[], lines: string) {
  const { server, address } = await startPython(skip, script!, ...args)
  const target = script === 'snmp_server.py' ? address.replace('tcp:', 'udp:') : address
  const text = `name: framed\ntarget: { address: "${target}" }\nconnections: 2\nrequests: 2000\n${lines}`
  const { code, report } = await run(scenarioFile(text))
  expect(report.totals.failures).toEqual({})
  expect(report.totals).toMatchObject({ sent: 2000, completed: 2000 })
  expect(balances(report)).toBe(true)
  expect(code).toBe(0)
  const counts = await countsOf(server)
  expect(counts['bad']).toBe(0)
  return { totals: report.totals, counts }
}

test('netstrings, with lengths of any width', async ({ skip }) => {
  const { counts } = await expectWhole(
    skip,
    ['framed_server.py', 'netstring'],
    `load: { pipeline: 4 }
protocol: { frame: [ { length: decimal, ends: ":", counts: body }, body, "," ] }
loop:
  - send: "a, b: {{seq}}"
    expect: echo
  - send: "?{{random 100}}"
    expect: { matches: "^\\\\?[^?]{100}\\\\?[^?]{100}$" }
`,
  )
  expect(counts).toMatchObject({ messages: 2000 })
})

test('messages of protobuf, of more than 127 bytes too', async ({ skip }) => {
  const { counts } = await expectWhole(
    skip,
    ['framed_server.py', 'protobuf'],
    `load: { pipeline: 4 }
protocol: { frame: [ { length: leb128 }, body ] }
loop:
  - send: [ { hex: "0a" }, { length: leb128, of: "hello {{random 400}}" } ]
    expect: echo
  - send: [ { hex: "0a" }, { length: leb128, of: "{{seq}}" } ]
    expect: echo
`,
  )
  expect(counts).toMatchObject({ messages: 2000 })
})

test('calls of Thrift, joined by their sequence numbers', async ({ skip }) => {
  const { counts } = await expectWhole(
    skip,
    ['framed_server.py', 'thrift'],
    `load: { pipeline: 4 }
protocol:
  frame:
    request: [ { length: u32 }, { hex: "80010001 00000004" }, echo, { id: u32 }, body ]
    reply: [ { length: u32 }, { hex: "80010002 00000004" }, echo, { id: u32 }, body ]
loop:
  - send: [ { u8: 11 }, { u16: 1 }, { length: u32, of: "hello {{seq}}" }, { u8: 0 } ]
    expect: { contains: hello }
`,
  )
  expect(counts).toMatchObject({ messages: 2000 })
})

test("memcached's binary protocol, joined by its opaque ids", async ({ skip }) => {
  const port = await startMemcached(skip)
  const text = `name: binary
target: { address: "tcp://127.0.0.1:${port}" }
connections: 2
requests: 2000
load: { pipeline: 8 }
protocol:
  frame:
    request: [ { hex: "80" }, { op: u8 }, { keyBytes: u16 }, { extraBytes: u8 }, { skip: 3 }, { length: u32, counts: body }, { id: u32 }, { cas: u64 }, body ]
    reply: [ { hex: "81" }, { op: u8 }, { skip: 4 }, { status: u16 }, { length: u32, counts: body }, { id: u32 }, { cas: u64 }, body ]
loop:
  - send: { op: 1, extraBytes: 8, keyBytes: 6, body: [ { u32: 0xdeadbeef }, { u32: 0 }, "b{{random 0..99999}}", "value {{seq}}" ] }
    expect: { status: 0 }
  - send: { op: 0, keyBytes: 6, body: "b{{random 0..99999}}" }
`
  const { code, report } = await run(scenarioFile(text))
  expect(report.totals).toMatchObject({ sent: 2000, completed: 2000, failures: {} })
  expect(code).toBe(0)
  const counts = await memcachedCounts(port)
  expect(counts['cmd_set']! + counts['cmd_get']!).toBe(2000)
})

test('a session of FIX: sequence numbers, sums, and questions of the server that are answered', async ({ skip }) => {
  const head = (kind: string) => `35=${kind}\\x0134={{count}}\\x0149=VOLLEY\\x0156=SERVER\\x0152={{utc}}\\x01`
  const { totals, counts } = await expectWhole(
    skip,
    ['framed_server.py', 'fix'],
    `load: { rate: 1200 }
duration: 10s
protocol:
  frame: [ "8=FIX.4.4\\x019=", { length: decimal, ends: "\\x01", counts: body }, body, "10=", { checksum: sum8, of: head-and-body, as: { digits: 3 } }, "\\x01" ]
  replies:
    # Its own heartbeats, and the first of two reports of an order
    ignore: [ { begins: "35=0\\x01", lacks: "\\x01112=" }, { begins: "35=8\\x01", has: "\\x0139=0\\x01" } ]
    answer: [ { to: "35=1\\x01", capture: { asked: "regex:\\x01112=([^\\x01]+)" }, send: "${head('0')}112={{asked}}\\x01" } ]
connect:
  - send: "${head('A')}98=0\\x01108=1\\x01"
    expect: { begins: "35=A\\x01" }
loop:
  - send: "${head('1')}112=x{{seq}}\\x01"
    expect: { begins: "35=0\\x01" }
  - send: "${head('D')}11={{seq}}\\x0121=1\\x0155=ABC\\x0154=1\\x0138=100\\x0140=1\\x01"
    expect: { begins: "35=8\\x01", contains: "\\x0139=2\\x01" }
`,
  )
  expect(counts['type A']).toBe(2)
  expect(counts['type 1']! + counts['type D']!).toBe(2000)
  // It asks each connection once a second; the last question may come after the end.
  expect(totals.answers).toBeGreaterThan(0)
  expect(counts['type 0']).toBe(totals.answers)
})

test('SNMP over UDP, joined by the ids of requests', async ({ skip }) => {
  const { counts } = await expectWhole(
    skip,
    ['snmp_server.py'],
    `load: { pipeline: 4 }
protocol:
  frame:
    request: [ { hex: "3029 020101 0406 7075626c6963 a01c 0204" }, { id: u32, min: 16777216, max: 2147483647 }, body ]
    reply: [ { skip: 17 }, { id: u32 }, body ]
loop:
  - send: { hex: "020100 020100 300e 300c 0608 2b06010201010100 0500" }
    expect: { contains: "a device" }
`,
  )
  expect(counts).toMatchObject({ requests: 2000 })
})
