import { expect, test } from 'vitest'
import { inEnvironment, parseScenario } from './load.ts'
import { resolveProtocol } from './resolve.ts'

const loaded = (target: string, protocol = 'http') =>
  parseScenario(`name: x\ntarget: ${target}\nprotocol: ${protocol}\nloop: [{ send: GET / }]\n`, 's.yaml', [], {})

test.each([
  ['{ address: "tcp://10.0.0.5:8080" }', '10.0.0.5:8080'],
  ['{ address: "tcp://example.org:80" }', 'example.org'],
  ['{ address: "tls://example.org:443" }', 'example.org'],
  ['{ address: "tls://example.org:80" }', 'example.org:80'],
  ['{ address: "tcp://[::1]:8080" }', '[::1]:8080'],
  ['{ address: "tcp://[fe80::1%eth0]:8080" }', '[fe80::1]:8080'],
  ['{ address: "tls://example.org:0443" }', 'example.org'],
  ['{ command: "./server --port {port}" }', undefined],
  ['{ address: "unix:/run/my.sock" }', undefined],
  ['{ serve: http }', undefined],
])('resolveProtocol() at %s has the host %s', (target, host) => {
  const { scenario } = loaded(target)
  expect(resolveProtocol(scenario).spec).toEqual({ ...scenario.protocol, ...(host !== undefined && { host }) })
})

test('resolveProtocol() keeps a host that the scenario sets, and other protocols', () => {
  const asked = loaded('{ address: "tcp://10.0.0.5:8080" }', '{ http: { host: example.org } }').scenario
  expect(resolveProtocol(asked).spec).toMatchObject({ name: 'http', host: 'example.org' })
  const raw = loaded('{ address: "tcp://10.0.0.5:8080" }', 'raw').scenario
  expect(resolveProtocol(raw).spec).toBe(raw.protocol)
})

test('resolveProtocol() takes the target of the chosen environment', () => {
  const lan = '\nenvironments: { lan: { address: "tcp://lan.example:81" } }'
  const { scenario } = inEnvironment(loaded(`{ serve: http }${lan}`), 'lan')
  expect(resolveProtocol(scenario).spec).toMatchObject({ host: 'lan.example:81' })
})

test('resolveProtocol() has the layers and whether datagrams carry it', () => {
  const more = 'layers: [gzip, hmac-sha256]\nlayerKey: k'
  const text = `name: x\ntarget: { serve: echo, over: udp }\nprotocol: frame\n${more}\nloop: [{ send: a }]\n`
  expect(resolveProtocol(parseScenario(text, 's.yaml', [], {}).scenario)).toMatchObject({
    layers: { names: ['gzip', 'hmac-sha256'], key: 'k' },
    overUdp: true,
  })
  expect(resolveProtocol(loaded('{ serve: http }').scenario)).not.toHaveProperty('layers')
})
