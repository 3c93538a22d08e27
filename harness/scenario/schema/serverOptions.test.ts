import { expect, test } from 'vitest'
import { parseScenario } from '../load.ts'
import { faultsWith, minimalWith } from '../testing/faults.ts'

test.each([
  ['poolSize: 0', '45 target.options.poolSize: expected a whole number from 1 to 1000000, or unlimited, got 0'],
  ['poolSize: false', '45 target.options.poolSize: expected a whole number from 1 to 1000000, or unlimited, got false'],
  ['maxFrame: 65MiB', '45 target.options.maxFrame: expected a size from 1 B to 64 MiB, got "65MiB"'],
  ['idleTimeout: 15', '48 target.options.idleTimeout: expected a duration such as 30s, from 10ms to 24h, got 15'],
  [
    'serviceTime: fixed',
    '48 target.options.serviceTime: expected fixed:2ms, exponential:1ms, bimodal:1ms,20ms,2% or fixed:5ms@2s,fixed:1ms, got "fixed"',
  ],
  ['busyWait: "yes"', '45 target.options.busyWait: expected true or false, got "yes"'],
  ['reply: true', '42 target.options.reply: expected text, got true (in quotes it is text)'],
  ['listen: x', '43 target.options.listen: expected an address such as 127.0.0.1:8080 or unix:/path, got "x"'],
  [
    'layers: "gzip, zip"',
    '43 target.options.layers: expected names out of deflate, gzip, crc32, hmac-sha1, hmac-sha256 and aes-256-gcm with commas between, got "zip"',
  ],
  ['protocol: tvl', '45 target.options.protocol: unknown protocol "tvl"; did you mean "tlv"?'],
  ['protocol: 5', "45 target.options.protocol: expected a protocol's name, or JSON in quotes, got 5"],
  [
    'detach: true',
    '35 target.options: unknown key "detach"; known keys: listen, protocol, framing, reply, replyType, maxFrame, maxSendBuffer, receiveBuffer, sendBuffer, noDelay, maxConnections, idleTimeout, key, layers, layerKey, naive, group, secret, shuffle, poolSize, serviceTime, stall, busyWait, seed, workers, reloadTimeout, reloadEvery and quiet',
  ],
])('parseScenario() says what is wrong with an option of a server: %s', (option, fault) => {
  expect(faultsWith(`target: { serve: echo, options: { ${option} } }`)).toEqual([`s.yaml:2:${fault}`])
})

test('parseScenario() names every faulty option with its line, and shows no secret', () => {
  const secret = 'not-to-be-shown'.repeat(100)
  const text = `target:
  serve: tlv
  options:
    key: ${secret}
    maxFrame: big
    workers: 65`
  expect(faultsWith(text, 'protocol: tlv')).toEqual([
    's.yaml:5:10 target.options.key: expected 1 to 1024 characters, got ***',
    's.yaml:6:15 target.options.maxFrame: expected a size from 1 B to 64 MiB, got "big"',
    's.yaml:7:14 target.options.workers: expected a whole number from 1 to 64, got 65',
  ])
})

test('parseScenario() keeps the options of a server as they are written', () => {
  const options =
    '{ listen: 127.0.0.1:0, reply: 5, maxFrame: 1024, poolSize: "4", seed: 7, busyWait: true, quiet: false }'
  const { scenario } = parseScenario(minimalWith(`target: { serve: echo, options: ${options} }`), 's.yaml', [], {})
  expect(scenario.target).toEqual({
    serve: 'echo',
    options: {
      listen: '127.0.0.1:0',
      reply: 5,
      maxFrame: 1024,
      poolSize: '4',
      seed: 7,
      busyWait: true,
      quiet: false,
    },
  })
})

test('parseScenario() takes options of a server out of the environment', () => {
  const options = ['poolSize: ${SIZE}', 'maxFrame: ${FRAME}', 'stall: ${STALL}'].map(line => `    ${line}`)
  const text = minimalWith(['target:', '  serve: echo', '  options:', ...options].join('\n'))
  const variables = { SIZE: '4', FRAME: '1KiB', STALL: '1s/10s' }
  expect(parseScenario(text, 's.yaml', [], variables).scenario.target).toEqual({
    serve: 'echo',
    options: { poolSize: 4, maxFrame: '1KiB', stall: '1s/10s' },
  })
})

test('parseScenario() takes a switch of a server as true or false, or on or off', () => {
  const optionsWith = (noDelay: string) =>
    parseScenario(minimalWith(`target: { serve: echo, options: { noDelay: ${noDelay} } }`), 's.yaml', [], {}).scenario
      .target
  for (const [written, read] of [
    ['false', 'off'],
    ['true', 'on'],
    ['off', 'off'],
    ['"on"', 'on'],
  ] as const) {
    expect(optionsWith(written)).toMatchObject({ options: { noDelay: read } })
  }
  expect(faultsWith('target: { serve: echo, options: { noDelay: maybe } }')).toEqual([
    's.yaml:2:44 target.options.noDelay: expected on or off, got "maybe"',
  ])
  expect(faultsWith('target: { serve: echo, over: udp, options: { noDelay: false } }')).toEqual([
    's.yaml:2:46 target.options: noDelay is for TCP, not for UDP',
  ])
})
