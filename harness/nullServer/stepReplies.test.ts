import { describe, expect, test } from 'vitest'
import type { FirstReply } from '../metrics/firstReplies.ts'
import type { RequestBank } from '../plan/bank.ts'
import { encodeRequests } from '../plan/requests.ts'
import { createProtocol } from '../protocols/catalog.ts'
import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import { bytesOf, textOf } from '../protocols/testing/bytes.ts'
import { parseScenario } from '../scenario/load.ts'
import { createNullReplies, type NullReplyPlan, planNullReplies } from './nullReplies.ts'
import { type NullReplies, nothingOwed } from './owed.ts'

interface Run {
  readonly spec: ProtocolSpec
  readonly bank: RequestBank
  readonly plan: NullReplyPlan | string
}

/** The replies that a null server is planned to send to a scenario whose steps had these replies. */
function planned(
  yaml: string,
  replies: readonly FirstReply[],
  more: { hasLayers?: boolean; pipeline?: number } = {},
): Run {
  const { scenario } = parseScenario(
    `name: replies\nconnections: 2\nduration: 1s\ntarget: { address: "tcp://h:1" }\n${yaml}\n`,
    'null.yaml',
    [],
    {},
  )
  const spec = scenario.protocol
  const all = encodeRequests(scenario, createProtocol(spec), { files: new Map(), rows: [] } as never, 1)
  const bank = { ...all, steps: all.steps.filter(({ role }) => role === 'request') }
  const known = { meanReplyBytes: 10, deliveriesPerReply: 0, hasLayers: false, pipeline: 16, replies, ...more }
  return { spec, bank, plan: planNullReplies(spec, bank, known) }
}

/** What is owed for some bytes. */
function answered(server: NullReplies, bytes: Uint8Array, link = 0): Uint8Array {
  const owed = nothingOwed()
  const buffer = Uint8Array.from(bytes)
  expect(server.answer(owed, link, buffer, buffer.length)).toBe(true)
  return Uint8Array.from({ length: owed.left }, (_, index) => owed.block[(owed.at + index) % owed.block.length]!)
}

function serverOf({ plan }: Run): NullReplies {
  if (typeof plan === 'string') throw new Error(plan)
  return createNullReplies(plan)
}

/** Whatever the cuts, the replies to these requests are those. */
function expectReplies(run: Run, requests: readonly Uint8Array[], replies: readonly Uint8Array[]): void {
  const all = Buffer.concat(requests)
  const wanted = Buffer.concat(replies).toString('hex')
  for (let cut = 0; cut <= all.length; cut++) {
    const server = serverOf(run)
    const parts = [all.subarray(0, cut), all.subarray(cut)].map(part => answered(server, part))
    expect(Buffer.concat(parts).toString('hex')).toBe(wanted)
  }
  const server = serverOf(run)
  const single = Array.from(all, (_, index) => answered(server, all.subarray(index, index + 1)))
  expect(Buffer.concat(single).toString('hex')).toBe(wanted)
}

const smtp = `
protocol: { line: { delimiter: "\\r\\n" }, replies: { until: "### ", refuse: [ "4", "5" ], last: "221" } }
loop:
  - send: "EHLO {{random 8}}"
  - send: DATA
    expect: { begins: "354 " }
  - send: { unframed: "Subject: {{seq}}\\r\\n\\r\\nhello\\r\\n.\\r\\n" }`
const smtpReplies = ['250-one\r\n250-two\r\n250 HELP\r\n', '354 go on\r\n', '250 2.0.0 Ok\r\n'].map(text =>
  bytesOf(text),
)

describe('a null server with real replies', () => {
  test('answers with several lines, step by step, also where a request is several lines itself', () => {
    const run = planned(smtp, smtpReplies)
    const { frames } = run.bank
    expect(run.plan).toMatchObject({ kind: 'steps', requestBytes: frames.map(({ length }) => length) })
    expectReplies(run, [...frames, ...frames], [...smtpReplies, ...smtpReplies])
  })

  test('keeps the step of each connection, and begins anew with a new one', () => {
    const run = planned(smtp, smtpReplies)
    const server = serverOf(run)
    const [first, second] = run.bank.frames
    expect(textOf(answered(server, first!, 0))).toMatch(/^250-one/)
    expect(textOf(answered(server, first!, 1))).toMatch(/^250-one/)
    expect(textOf(answered(server, second!, 0))).toMatch(/^354 /)
    server.drop(0)
    expect(textOf(answered(server, first!, 0))).toMatch(/^250-one/)
    // More than a block of replies at once.
    const many = answered(server, Buffer.concat(Array.from({ length: 4000 }, () => run.bank.frames).flat()), 2)
    expect(many.length).toBe(4000 * Buffer.concat(smtpReplies).length)
    expect(textOf(many.slice(-14))).toBe('250 2.0.0 Ok\r\n')
  })

  test('answers with frames up to the last one of a reply, without what is none within it', () => {
    const message = (type: string, body: string) =>
      Buffer.concat([Buffer.from(type), bytesOf({ u32: 4 + body.length }, body)])
    const postgres = `
protocol:
  frame: [ { type: char }, { length: u32, counts: itself }, body ]
  replies: { until: { type: Z }, ignore: { type: A }, refuse: { type: E } }
loop:
  - send: { type: Q, body: "SELECT {{random 0..9999}}\\0" }
    expect: { type: T }`
    const kept = Buffer.concat([message('T', 'x'), message('D', 'row'), message('A', 'notice'), message('Z', 'I')])
    const sent = Buffer.concat([message('T', 'x'), message('D', 'row'), message('Z', 'I')])
    const run = planned(postgres, [Uint8Array.from(kept)])
    expectReplies(run, [run.bank.frames[0]!, run.bank.frames[0]!], [sent, sent])
    // The end of a request is in its header, where layers make its length another.
    const layered = planned(postgres, [Uint8Array.from(kept)], { hasLayers: true })
    expect(layered.plan).not.toHaveProperty('requestBytes')
    expectReplies(layered, [message('Q', 'of another length'), message('Q', '')], [sent, sent])
  })

  test('puts the id of each request where replies have it, and fills in their checksums', () => {
    const drawn = `
protocol:
  frame:
    request: [ { length: u16 }, { op: u8 }, { id: u16 }, body ]
    reply: [ { status: u8 }, { length: leb128 }, body, { id: u32 }, { checksum: crc32 } ]
load: { pipeline: 4 }
loop:
  - send: { op: 5, body: "{{seq}}" }
  - send: { op: 6 }
    expect: { status: 2 }`
    const server = createProtocol(planned(drawn, []).spec)
    const swapped = (status: number, body: string, id: number) => {
      const { request, reply } = planned(drawn, []).spec as never as { request: never; reply: never }
      const other = createProtocol({ name: 'frame', request: reply, reply: request, maxFrame: 1024 })
      return other.encode({ body: bytesOf(body), id, fields: { status } })
    }
    const run = planned(drawn, [swapped(1, 'hello', 77), swapped(2, '', 78)], { pipeline: 8 })
    const request = (step: number, id: number) => {
      const frame = run.bank.frames[step]!.slice()
      server.requestId!.write(frame, 0, id)
      return frame
    }
    const requests = [request(0, 1), request(1, 2), request(0, 0x1234), request(1, 4)]
    const replies = [swapped(1, 'hello', 1), swapped(2, '', 2), swapped(1, 'hello', 0x1234), swapped(2, '', 4)]
    expectReplies(run, requests, replies)
    const all = Buffer.concat(replies)
    expect(server.requestId!.read(all, 0, server.frameEnd(all, 0, all.length, 0))).toBe(1)
    // A client never has more on their way than its pipeline.
    const owed = nothingOwed()
    const flood = Buffer.concat(Array.from({ length: 9 }, () => request(0, 9)))
    expect(
      serverOf(planned(drawn, [swapped(1, 'hello', 77), swapped(2, '', 78)], { pipeline: 1 })).answer(
        owed,
        0,
        flood,
        flood.length,
      ),
    ).toBe(false)
  })

  test('sends nothing for steps that expect nothing', () => {
    const mixed =
      'protocol: line\nloop:\n  - { send: log, expect: nothing }\n  - { send: ask }\n  - { send: bye, expect: nothing }'
    const run = planned(mixed, [undefined, bytesOf('yes\n'), undefined])
    const { frames } = run.bank
    expectReplies(run, [...frames, ...frames], [bytesOf('yes\n'), bytesOf('yes\n')])
  })

  test('answers a mix with the reply that is about as long as the others', () => {
    const mix = `
protocol: { line: { delimiter: "\\r\\n" }, replies: { more: "VALUE " } }
mix: [ { send: "get {{random 4}}", weight: 3 }, { send: "verbosity {{random 2}}", weight: 1 } ]`
    const run = planned(mix, [bytesOf('VALUE k\r\nEND\r\n'), bytesOf('OK\r\n')])
    const [get, other] = run.bank.frames
    expectReplies(
      run,
      [get!, other!, get!],
      Array.from({ length: 3 }, () => bytesOf('VALUE k\r\nEND\r\n')),
    )
  })
})

describe('there is no null server with real replies', () => {
  const lines = 'protocol: { line: {}, replies: { until: "." } }\n'
  test.each<[string, string, FirstReply[], string]>([
    [
      'where a step had no reply',
      `${lines}loop: [ { send: a }, { send: b } ]`,
      [bytesOf('.\n'), undefined],
      'no reply to loop[1] was as expected, and a null server answers with those',
    ],
    [
      'where a reply is too long',
      `${lines}loop: [ { send: a } ]`,
      ['too-long'],
      'replies to loop[0] have more than the 64 KiB that a null server sends',
    ],
    [
      'where a reply ends its connection',
      'protocol: { line: {}, replies: { last: "221" } }\nloop: [ { send: QUIT } ]',
      [bytesOf('221 bye\n')],
      'the reply to loop[0] ends its connection',
    ],
    [
      'where requests of a mix cannot be told apart',
      `${lines}mix: [ { send: { unframed: "a\\nb\\n" } }, { send: c } ]`,
      [bytesOf('.\n'), bytesOf('.\n')],
      'a null server cannot tell where these requests end',
    ],
    [
      'where the replies to a mix end in different ways',
      'protocol: line\nmix: [ { send: a }, { send: b, reply: { until: "." } } ]',
      [bytesOf('.\n'), bytesOf('.\n')],
      'a null server cannot tell which step of a mix, or of several groups, a request is of, and their replies end in different ways',
    ],
  ])('%s', (_, yaml, replies, reason) => {
    expect(planned(yaml, replies).plan).toBe(reason)
  })

  test('where as many replies with ids as may be on their way take too much memory', () => {
    const ids =
      'protocol: { frame: { request: [ { length: u16 }, { id: u32 }, body ], reply: [ { length: u32 }, { id: u32 }, body ] } }\nloop: [ { send: a } ]'
    const reply = createProtocol({
      name: 'frame',
      lengthOffset: 0,
      lengthBytes: 4,
      endian: 'big',
      lengthAdjustment: 0,
      maxFrame: 1e6,
    }).encode({
      body: new Uint8Array(60_000),
    })
    expect(planned(ids, [reply], { pipeline: 1000 }).plan).toBe(
      '1000 replies of 58.6 KiB at once are more than a null server keeps',
    )
  })
})
