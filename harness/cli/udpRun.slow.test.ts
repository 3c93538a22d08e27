import { afterEach, describe, expect, test } from 'vitest'
import { datagramScenario, expectCountedByServer, listenUdp } from './testing/datagrams.ts'
import { cleanUp, Invocation, run } from './testing/volley.ts'

afterEach(cleanUp)

const quick = ['-d', '300ms', '--warmup', '0s']

describe.each(['epoll', 'node'])('volley run over UDP with --transport %s', transport => {
  test('takes a URL, and any datagram that comes back as the reply', async () => {
    const url = await listenUdp((bytes, reply) => bytes.length > 0 && reply(Buffer.from(`you said ${bytes}`)))
    const { code, report, stdout } = await run(url, '-n', '200', '-c', '2', '--send', 'x', '--transport', transport)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(report.totals.completed).toBe(200)
    expect(report.transport).toBe(transport === 'node' ? 'udp' : 'epoll')
    expect(report.target).toBe(url)
    expect(report.datagrams).toEqual({ lost: 0, duplicates: 0, reordered: 0 })
    expect(stdout).toContain('datagrams  0 lost, 0 duplicates, 0 reordered')
  })
})

test('volley run over UDP agrees with the echo server that it starts', async () => {
  await expectCountedByServer(datagramScenario('{ serve: echo, over: udp }'), ...quick, '-c', '4')
})

test('volley run tells lost, duplicate and reordered replies apart by their ids', async () => {
  let count = 0
  let held: (() => void) | undefined
  const url = await listenUdp((bytes, reply) => {
    if (bytes.length === 0) return
    count++
    if (count % 100 === 10) return
    if (count % 100 === 20) held = () => reply(bytes)
    else reply(bytes)
    if (count % 100 === 30) reply(bytes)
    if (count % 100 === 24) held?.()
  })
  const file = datagramScenario(
    `{ address: "${url}" }`,
    'protocol: rpc',
    'loop: [{ send: { body: hi }, expect: echo }]',
  )
  // The pipeline has room for all ten lost requests: a request that is held back never has to wait for their timeout.
  const { report } = await run(file, '-n', '1000', '-c', '1', '-p', '32', '--timeout', '1s')
  expect(report.datagrams).toEqual({ lost: 10, duplicates: 10, reordered: 10 })
  expect(report.totals).toMatchObject({ sent: 1000, completed: 990, failed: 10, connects: 1 })
})

test('volley talk sends each line as a datagram and shows the replies', async () => {
  const answering = await listenUdp((bytes, reply) => bytes.length > 0 && reply(Buffer.from(`you said ${bytes}`)))
  const talk = new Invocation(['talk', answering, '--protocol', 'raw'], { stdin: 'hello\nworld\n' }).ended
  expect(await talk).toEqual({ code: 0, stdout: 'you said hello\nyou said world\n', stderr: '' })
  const odd = await listenUdp((bytes, reply) => bytes.length > 0 && reply(Buffer.from('no end of a line')))
  const malformed = new Invocation(['talk', odd, '--protocol', 'line'], { stdin: 'hello\n' }).ended
  const stderr = 'the reply is not a line message: "no end of a line" (a datagram of 16 B that is no whole frame)\n'
  expect(await malformed).toEqual({ code: 2, stdout: '', stderr })
})
