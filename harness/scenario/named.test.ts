import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, describe as group, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { encodeRequests } from '../plan/requests.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { describedNames, describedProtocols } from '../protocols/described.ts'
import { describeProtocol } from '../protocols/describeProtocol.ts'
import { parseScenario, scenarioFromUrl } from './load.ts'
import { describe, descriptions } from './named.ts'
import { resolveProtocol } from './resolve.ts'
import { exampleOf } from './testing/descriptionExamples.ts'
import { faultLines, faultsIn } from './testing/faults.ts'

const scenarioWith = (...lines: string[]) => `name: s\ntarget: { address: "tcp://h:1" }\n${lines.join('\n')}\n`
const parsed = (text: string) => parseScenario(text, 's.yaml', [], {})

test('every name has its description, and every description its name', () => {
  const files = readdirSync(join(packageRoot, 'protocols')).sort()
  const wanted = describedNames.flatMap(name => [
    `${name}.yaml`,
    ...(describedProtocols[name]!.overUdp ? [`${name}.tcp.yaml`] : []),
  ])
  expect(files).toEqual(wanted.sort())
  const schemes = Object.values(describedProtocols).flatMap(({ schemes: own, secure }) => [
    ...own,
    ...(secure?.schemes ?? []),
  ])
  expect(new Set(schemes).size).toBe(schemes.length)
})

group.each(descriptions().map(description => [description.name, description] as const))('%s', (name, description) => {
  test('is a scenario that can be run as it is printed', () => {
    const { scenario } = parsed(description.text)
    expect(scenario.name).toBe(name)
    expect(description.summary.length).toBeGreaterThan(10)
    // One line of the list in a terminal of 80 columns.
    expect(description.summary.length).toBeLessThanOrEqual(100)
  })

  test('tells in its first lines of steps that work', () => {
    const address = describedProtocols[name]!.overUdp ? 'udp://h:1' : 'tcp://h:1'
    const { scenario } = parsed(`name: s\ntarget: { address: "${address}" }\n${exampleOf(name)}`)
    const composed = composeProtocol(resolveProtocol(scenario))
    const { frames } = encodeRequests(scenario, composed, { files: new Map(), rows: [] }, 1)
    expect(frames.length).toBeGreaterThan(0)
  })

  test('gives a scenario its format, its handshake and its loop', () => {
    const own = parsed(description.text).scenario
    const address = describedProtocols[name]!.overUdp ? 'udp://h:1' : 'tcp://h:1'
    const { scenario } = parsed(`name: s\ntarget: { address: "${address}" }\nprotocol: ${name}\n`)
    expect(scenario.protocol).toEqual({ ...own.protocol, called: name })
    expect([scenario.connect, scenario.loop]).toEqual([own.connect, own.loop])
    expect(describeProtocol(scenario.protocol)).toBe(name)
  })

  test('is what its URL stands for', () => {
    const { schemes, secure, port } = describedProtocols[name]!
    for (const scheme of schemes) {
      const { scenario } = scenarioFromUrl(`${scheme}://127.0.0.1`, [])
      expect(scenario.target).toMatchObject({ address: expect.stringMatching(`^(tcp|udp)://127.0.0.1:${port}$`) })
      expect(describeProtocol(scenario.protocol)).toBe(name)
    }
    for (const scheme of secure?.schemes ?? []) {
      const { scenario } = scenarioFromUrl(`${scheme}://127.0.0.1`, [])
      expect(scenario.target).toMatchObject({ address: `tls://127.0.0.1:${secure!.port}` })
    }
  })
})

test('what a scenario has itself is not taken from the description', () => {
  const loop = 'loop: [ { send: { type: 0x30, body: [ { length: u16, of: t }, hi ] }, expect: nothing } ]'
  const { scenario } = parsed(scenarioWith('protocol: mqtt', loop, 'connect: []'))
  expect(scenario.loop).toHaveLength(1)
  expect(scenario.loop![0]!.expect).toBe('nothing')
  expect(scenario.connect).toEqual([])
})

test('settings of a description are filled in, and a wrong one is named', () => {
  const { scenario } = parsed(scenarioWith('protocol: { mqtt: { client: robot } }'))
  expect(JSON.stringify(scenario.connect)).toContain('robot-{{connection}}')
  expect(faultsIn(scenarioWith('protocol: { mqtt: { clint: robot } }'))).toEqual([
    's.yaml:3:21 protocol.mqtt: unknown key "clint"; did you mean "client"?',
  ])
  expect(faultsIn(scenarioWith('protocol: { mqtt: 5 }'))[0]).toContain('protocol.mqtt: expected settings such as')
  expect(faultsIn(scenarioWith('protocol: { mqtt: {}, replies: { until: a } }'))[0]).toContain(
    'protocol.replies: is in the description of mqtt: "volley protocol mqtt" prints it, to be changed',
  )
})

test('a user and a password change the flags of MQTT, and what stands behind the id', () => {
  const connectOf = (protocol: string) => {
    const { scenario } = parsed(scenarioWith(`protocol: ${protocol}`))
    const composed = composeProtocol(resolveProtocol(scenario))
    const { frames, steps } = encodeRequests(scenario, composed, { files: new Map(), rows: [] }, 1)
    return Buffer.from(frames[steps.find(({ role }) => role === 'handshake')!.firstFrame]!).toString('latin1')
  }
  const head = (length: string, flags: string) => `\x10${length}\0\x04MQTT\x04${flags}\0\0\0\x0fv-000000-000000`
  expect(connectOf('{ mqtt: { client: v } }')).toBe(head('\x1b', '\x02'))
  expect(connectOf('{ mqtt: { client: v, user: me } }')).toBe(`${head('\x1f', '\x82')}\0\x02me`)
  expect(connectOf('{ mqtt: { client: v, user: me, password: "0" } }')).toBe(`${head('\x22', '\xc2')}\0\x02me\0\x010`)
})

test('the path of a URL is the setting that its protocol has for it', () => {
  const text = (url: string) => JSON.stringify(scenarioFromUrl(url, []).scenario)
  expect(text('dns://h/www.example.org')).toContain('{"domain":"www.example.org"}')
  expect(text('dns://h')).toContain('{"domain":"localhost"}')
  expect(text('amqp://h/a%2Fb')).toContain('"of":"a/b"')
  expect(text('stomp://h/queue/orders')).toContain('destination:/queue/orders\\n')
  expect(text('smtp://h/me@example.org')).toContain('RCPT TO:<me@example.org>')
})

test('dns over a stream has a length before each message', () => {
  const { scenario } = parsed(scenarioWith('protocol: dns'))
  const own = parsed(describe('dns', true).text).scenario
  expect(scenario.protocol).toEqual({ ...own.protocol, called: 'dns' })
  expect(own.target).toEqual({ address: 'tcp://127.0.0.1:53' })
})

test('a password is secret wherever its description puts it', () => {
  for (const name of ['amqp', 'mqtt', 'nats', 'stomp']) {
    const { scenario, redacted, secrets } = scenarioFromUrl(`${name}://me:geheim7@h`, [])
    expect(JSON.stringify(scenario)).toContain('geheim7')
    expect(JSON.stringify(redacted)).not.toContain('geheim7')
    expect(secrets.values).toContain('geheim7')
  }
})

test('a misspelt name of a protocol gets the one that was meant', () => {
  expect(faultsIn(scenarioWith('protocol: mqt', 'loop: [ { send: a } ]'))).toEqual([
    's.yaml:3:11 protocol: unknown protocol "mqt"; did you mean "mqtt"?',
  ])
})

test('a fault of a URL shows no password', () => {
  const lines = faultLines(() => scenarioFromUrl('mqtt://user:geheim@host/path', []))
  expect(lines.join()).toContain('without a path')
  expect(lines.slice(0, 1).join().replace(/^\S+ /, '')).not.toContain('geheim')
})

test('describe() tells the settings of a description', () => {
  expect(describe('mqtt').settings).toContain('client')
})

group('settings of websocket', () => {
  const withSettings = (settings: string) => scenarioWith(`protocol: { websocket: ${settings} }`)
  const requestOf = (settings: string) => JSON.stringify(parsed(withSettings(settings)).scenario.connect[0]!.send)

  test('a path may begin with its slash', () => {
    for (const path of ['/a/b?c=d', 'a/b?c=d'])
      expect(requestOf(`{ path: "${path}" }`)).toContain('GET /a/b?c=d HTTP/1.1')
    expect(requestOf('{ path: "room-{{connection}}" }')).toContain('GET /room-{{connection}} HTTP/1.1')
  })

  test('host is that of the target unless it is set', () => {
    expect(requestOf('{}')).toContain('Host: {{targetHost}}\\r\\n')
    expect(requestOf('{ host: "example.org" }')).toContain('Host: example.org\\r\\n')
  })

  test('headers are lines, and those that log in are not shown', () => {
    const headers = '{ headers: { Origin: "https://a.example", Authorization: "Bearer geheim-1234" } }'
    expect(requestOf(headers)).toContain('Origin: https://a.example\\r\\nAuthorization: Bearer geheim-1234\\r\\n\\r\\n')
    const { redacted, secrets } = parsed(withSettings(headers))
    expect(JSON.stringify(redacted)).not.toContain('geheim')
    expect(secrets.values).toContain('geheim-1234')
  })

  test('what a variable has put into a setting is not shown', () => {
    const text = withSettings('{ headers: { X-Room: "${ROOM}" } }')
    const { scenario, redacted } = parseScenario(text, 's.yaml', [], { ROOM: 'geheim' })
    expect(JSON.stringify(scenario.connect)).toContain('X-Room: geheim')
    expect(JSON.stringify(redacted)).not.toContain('geheim')
  })

  test.each([
    [
      '{ path: "a b" }',
      'protocol.websocket.path: expected a path such as /users/{{seq}}, of visible ASCII characters and without #, got "/a b"',
    ],
    ['{ headers: 5 }', 'protocol.websocket.headers: expected a mapping of headers such as { Accept: text/html }'],
    ['{ headers: { "a b": c } }', 'protocol.websocket.headers'],
    ['{ headers: { host: h } }', 'protocol.websocket.headers.host: is set by host, beside headers'],
    ['{ headers: { Upgrade: h2c } }', 'protocol.websocket.headers.Upgrade: is in every upgrade'],
    ['{ headers: { Sec-WebSocket-Extensions: permessage-deflate } }', 'would let the server compress messages'],
    ['{ host: { a: b } }', 'protocol.websocket.host: expected text or a number'],
  ])('a wrong one is named: %s', (settings, fault) => {
    const faults = faultsIn(withSettings(settings))
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(fault)
  })

  test('a URL has a path', () => {
    const { scenario } = scenarioFromUrl('ws://h:81/a?b=c', [])
    expect(JSON.stringify(scenario.connect[0]!.send)).toContain('GET /a?b=c HTTP/1.1')
    expect(faultLines(() => scenarioFromUrl('ws://h/{{token}}', []))[0]).toContain('expected a slot such as')
  })
})

test('a user or a password that would end the text it stands in is refused, and not shown', () => {
  const faults = faultsIn(scenarioWith(`protocol: { nats: { user: ann, password: 'a"b' } }`))
  expect(faults).toEqual([
    's.yaml:3:42 protocol.nats.password: cannot have a quotation mark, a backslash, a control character or {{ in it: its place is a text',
  ])
  expect(faultsIn(scenarioWith(`protocol: { mqtt: { user: ann, password: 'a"b' } }`))).toEqual([])
  expect(faultsIn(scenarioWith("protocol: { mqtt: { user: ann, password: '{{seq}}' } }"))).toHaveLength(1)
})

test('a fault of a URL shows no password that is not escaped as it should be', () => {
  for (const url of ['postgres://me:s3/cr3t@db/shop', 'mysql://me:p@ss#cr3t@h', 'nats://ann:cr3t/x@h']) {
    expect(faultLines(() => scenarioFromUrl(url, [])).join()).not.toContain('cr3t')
  }
})
