import { expect, test } from 'vitest'
import { inEnvironment, parseScenario } from './load.ts'
import { addressedProtocol } from './resolve.ts'

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
])('addressedProtocol() for %s has the host %s', (target, host) => {
  const { scenario } = loaded(target)
  expect(addressedProtocol(scenario)).toEqual({ ...scenario.protocol, ...(host !== undefined && { host }) })
})

test('addressedProtocol() keeps a host that is set, and other protocols', () => {
  const asked = loaded('{ address: "tcp://10.0.0.5:8080" }', '{ http: { host: example.org } }').scenario
  expect(addressedProtocol(asked)).toMatchObject({ name: 'http', host: 'example.org' })
  const raw = loaded('{ address: "tcp://10.0.0.5:8080" }', 'raw').scenario
  expect(addressedProtocol(raw)).toBe(raw.protocol)
})

test('addressedProtocol() uses the target of the environment that was chosen', () => {
  const lan = '\nenvironments: { lan: { address: "tcp://lan.example:81" } }'
  const { scenario } = inEnvironment(loaded(`{ serve: http }${lan}`), 'lan')
  expect(addressedProtocol(scenario)).toMatchObject({ host: 'lan.example:81' })
})
