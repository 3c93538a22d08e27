import { expect, test } from 'vitest'
import { faultsWith } from '../testing/faults.ts'

test.each([
  [
    ['target: { serve: echo }', 'protocol: tlv'],
    '2:18 target.serve: the echo server speaks raw, line and frame, not tlv',
  ],
  [['mix: [{ send: a }]'], '1:1 expected exactly one of loop and mix, got both'],
  [
    ['load: { pipeline: 4 }', 'reconnect: { when: every-request }'],
    '5:19 load.pipeline: expected 1 with reconnect.when: every-request, got 4',
  ],
  [['load: { rate: fast }'], '5:15 load.rate: expected a rate such as 50k/s, got "fast"'],
  [['load: { rate: 1000M/s }'], '5:15 load.rate: expected a rate from 0/s to 100M/s, got "1000M/s"'],
  [
    ['load: { mode: search }'],
    '5:15 load.mode: expected thresholds with search, which finds the highest rate at which they hold, got none',
  ],
  [
    ['load: { mode: search }', 'thresholds: [p99 < 5ms]', 'requests: 5'],
    '7:11 requests: cannot be combined with load.mode: search: duration sets the length of its probes',
  ],
  [
    ['load: { stages: [{ duration: 1s, to: 5/s }, { duration: 1s, connections: 5 }] }'],
    '5:18 load.stages[0]: expected either to or connections, the same in every stage, got a mixture',
  ],
  [
    ['load: { stages: [{ duration: 1s }] }'],
    '5:18 load.stages[0]: expected either to or connections, the same in every stage, got neither',
  ],
  [
    ['load: { mode: rate, stages: [{ duration: 9s, connections: 5 }] }'],
    '5:29 load.stages: stages with connections need load.mode: loop, not rate',
  ],
  [
    ['load: { stages: [{ duration: 9s, connections: 5 }] }', 'connections: 5'],
    '6:14 connections: cannot be combined with load.stages that set the number of connections',
  ],
  [['load: { mode: rate }'], '5:7 load: expected rate or stages with load.mode: rate, got neither'],
  [['load: { arrivals: constant }'], '5:7 load: expected rate or stages with load.mode: rate, got neither'],
  [['load: { rate: 0/s }'], '5:15 load.rate: expected a rate above 0/s, got none'],
  [['load: { stages: [{ duration: 1s, to: 0 }] }'], '5:17 load.stages: expected a rate above 0/s, got none'],
  [['load: { mode: loop, rate: 5/s }'], '5:27 load.rate: needs load.mode: rate, not loop'],
  [
    ['load: { stages: [{ duration: 9s, to: 5/s }] }', 'duration: 4s'],
    '6:11 duration: cannot be combined with load.stages, which are the whole run',
  ],
  [
    ['load: { stages: [{ duration: 9s, to: 5/s }] }', 'warmup: 9s'],
    '6:9 warmup: is as long as all stages together: nothing would be measured',
  ],
  [['load: { pipeline: 4, mode: once }'], '5:19 load.pipeline: expected 1 with load.mode: once, got 4'],
  [
    ['load: { mode: once }', 'requests: 10'],
    '6:11 requests: cannot be combined with load.mode: once, which makes one pass on each connection',
  ],
  [
    ['reconnect: { when: never, attempts: 3 }'],
    '5:37 reconnect.attempts: cannot be combined with reconnect.when: never, which tries each connection once',
  ],
  [
    ['load: { mode: once }', 'reconnect: { attempts: 3 }'],
    '6:24 reconnect.attempts: cannot be combined with load.mode: once, which tries each connection once',
  ],
  [
    ['target: { address: "udp://h:1" }', 'reconnect: { attempts: 3 }'],
    '5:24 reconnect.attempts: needs a handshake (connect) over UDP, and target is udp: a UDP socket opens whether a server is there or not',
  ],
  [['reconnect: { attempts: 0 }'], '5:24 reconnect.attempts: expected a whole number from 1 to 10,000, got 0'],
  [
    ['load: { mode: once }', 'reconnect: { when: every-request }'],
    '6:20 reconnect.when: "every-request" cannot be combined with load.mode: once, which ends after one pass',
  ],
  [['reconnect: { close: reset }'], '5:21 reconnect.close: "reset" needs reconnect.when: every-request, got failure'],
  [
    ['target: { address: "unix:///tmp/s" }', 'reconnect: { when: every-request, close: reset }'],
    '5:42 reconnect.close: "reset" needs TCP without TLS, and target is unix: a unix socket uses no ports',
  ],
  [
    ['target: { address: "tls://h:1" }', 'reconnect: { when: every-request, close: reset }'],
    '5:42 reconnect.close: "reset" needs TCP without TLS, and target is tls: its end is a message of its own',
  ],
  [
    ['target: { address: "udp://h:1" }', 'protocol: line', 'reconnect: { when: every-request, close: reset }'],
    '5:42 reconnect.close: "reset" needs TCP without TLS, and target is udp: UDP has no connections',
  ],
  [
    ['reconnect: { when: every-request, close: rudely }'],
    '5:42 reconnect.close: expected normal or reset, got "rudely"',
  ],
  [
    ['protocol: { frame: { id: { offset: 4, bytes: 1 } } }', 'load: { pipeline: 65 }'],
    '5:19 load.pipeline: expected at most 64 with ids of 8 bits, got 65',
  ],
  [
    ['protocol: { frame: { id: { offset: 4, bytes: 2 } } }', 'load: { pipeline: 16385 }'],
    '5:19 load.pipeline: expected at most 16,384 with ids of 16 bits, got 16385',
  ],
  [
    ['protocol: { rpc: { id: { max: 100 } } }', 'load: { pipeline: 101 }'],
    '5:19 load.pipeline: expected at most 100 with protocol.rpc.id.max: 100, got 101',
  ],
  [
    ['protocol: { rpc: { id: { max: 1k } } }', 'load: { pipeline: 1000 }', 'heartbeat: { every: 1s, send: x }'],
    '5:19 load.pipeline: expected at most 999 with protocol.rpc.id.max: 1,000, as the heartbeat has an id too, got 1,000',
  ],
  [
    ['protocol: { frame: { id: { offset: 4, bytes: 1, max: 1 } } }', 'heartbeat: { every: 1s, send: x }'],
    '3:54 protocol.frame.id.max: expected at least 2, as the heartbeat has an id too, got 1',
  ],
  [
    ['connections: 1M', 'load: { pipeline: 17 }'],
    '6:19 load.pipeline: expected at most 16,777,216 requests in flight over all connections, got 17,000,000',
  ],
  [['tls: { insecure: true }'], '5:6 tls: needs a target with a tls:// address'],
  [['target: { address: "tls://h:1" }', 'tls: { cert: a.pem }'], '5:14 tls.cert: expected tls.key with it, got none'],
  [['target: { address: "tls://h:1" }', 'tls: { key: a.pem }'], '5:13 tls.key: expected tls.cert with it, got none'],
  [['loop: [{ send: { type: 1 } }]'], '4:24 loop[0].send.type: needs protocol tlv or rpc, not raw'],
  [['protocol: tlv', 'loop: [{ send: { extension: 1 } }]'], '4:29 loop[0].send.extension: needs protocol rpc, not tlv'],
  [
    ['protocol: line', 'connect: [{ send: a, expect: { type: 1 } }]'],
    '5:38 connect[0].expect.type: needs protocol tlv or rpc, not line',
  ],
  [['heartbeat: { every: 1s, send: { type: 0 } }'], '5:39 heartbeat.send.type: needs protocol tlv or rpc, not raw'],
  [
    ['protocol: rpc', 'loop: [{ send: { type: 256 } }]'],
    '4:24 loop[0].send.type: expected 0 to 255 with protocol rpc, got 256',
  ],
  [
    ['loop: [{ send: "a {{data.name}}" }]'],
    '4:16 loop[0].send: {{data.name}} needs data with the CSV file that has it',
  ],
  [
    ['protocol: tlv', 'heartbeat: { every: 1s, send: { body: "{{data.name}}" } }'],
    '5:39 heartbeat.send.body: {{data.name}} needs data with the CSV file that has it',
  ],
])('parseScenario() refuses settings that cannot be combined: %s', (lines, fault) => {
  expect(faultsWith(...lines)).toEqual([`s.yaml:${fault}`])
})

test.each([
  [
    'tls with an environment that uses it',
    ['environments: { a: { address: "tls://h:1" } }', 'tls: { insecure: true }'],
  ],
  ['tls with a command that uses it', ['target: { command: a, address: "tls://h:1" }', 'tls: { insecure: true }']],
  ['as many ids as requests', ['protocol: { rpc: { id: { max: 100 } } }', 'load: { pipeline: 100 }']],
  [
    'an id for a heartbeat with a reply, none for one without',
    [
      'protocol: { frame: { id: { offset: 4, bytes: 1, max: 255 } } }',
      'load: { pipeline: 255 }',
      'heartbeat: { every: 1s, send: x, reply: false }',
    ],
  ],
  ['ids that are wide enough', ['protocol: { frame: { id: { offset: 4, bytes: 1 } } }', 'load: { pipeline: 64 }']],
  ['rpc with its fields', ['protocol: rpc', 'loop: [{ send: { type: 255, version: -1, extension: 9 } }]']],
  ['data for its columns', ['loop: [{ send: "{{data.name}}" }]', 'data: { file: a.csv }']],
  ['steps in mode once', ['load: { mode: once }', 'loop: [{ send: a }, { send: b }]', 'reconnect: { when: failure }']],
])('parseScenario() accepts %s', (_, lines) => {
  expect(faultsWith(...lines)).toEqual([])
})

test('parseScenario() shows conflicts together with faults in other settings', () => {
  expect(faultsWith('timeout: soon', 'load: { mode: once }', 'requests: 5')).toEqual([
    's.yaml:5:10 timeout: expected a duration such as 500us, 10ms or 10s, got "soon"',
    's.yaml:7:11 requests: cannot be combined with load.mode: once, which makes one pass on each connection',
  ])
})
