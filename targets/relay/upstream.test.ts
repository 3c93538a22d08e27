import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { formatEndpoint } from '../../harness/address.ts'
import { parseUpstream, resolveUpstream } from './upstream.ts'

test.each([
  ['127.0.0.1:9000', 'tcp://127.0.0.1:9000'],
  ['tcp://example.org:80', 'tcp://example.org:80'],
  ['tcp://[::1]:80', 'tcp://[::1]:80'],
  ['udp://127.0.0.1:53', 'udp://127.0.0.1:53'],
  ['unix:/run/x.sock', 'unix:/run/x.sock'],
])('parseUpstream() reads %s', (text, url) => {
  expect(formatEndpoint(parseUpstream(text)!)).toBe(url)
})

test.each(['', 'x', 'tcp://h', 'tcp://h:0', 'http://h:1', 'tls://h:1', 'udp://unix:/x', 'udp://tcp://h:1', 'unix:'])(
  'parseUpstream() refuses "%s"',
  text => {
    expect(parseUpstream(text)).toBeUndefined()
  },
)

test('resolveUpstream() writes an address as the system does, and refuses a host that does not exist', async () => {
  expect(await resolveUpstream({ scheme: 'udp', host: '0:0:0:0:0:0:0:1', port: 1 })).toMatchObject({ host: '::1' })
  expect(await resolveUpstream({ scheme: 'tcp', host: 'localhost', port: 1 })).toMatchObject({
    host: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
  })
  expect(await resolveUpstream({ scheme: 'udp', host: '0.0.0.0', port: 1 })).toMatchObject({ host: '127.0.0.1' })
  expect(await resolveUpstream({ scheme: 'udp', host: '0::0', port: 1 })).toMatchObject({ host: '::1' })
  await expect(resolveUpstream({ scheme: 'tcp', host: 'no-such-host.invalid', port: 1 })).rejects.toThrow(
    /^--to cannot find the host "no-such-host.invalid"/,
  )
})

test('resolveUpstream() takes the first address of a host that accepts a connection', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const upstream = { scheme: 'tcp', host: 'h', port } as const
  const hosts = async () => ['127.0.0.2', '127.0.0.1']
  expect(await resolveUpstream(upstream, hosts)).toEqual({ ...upstream, host: '127.0.0.1' })
  server.close()
  await once(server, 'close')
  expect(await resolveUpstream(upstream, hosts)).toEqual({ ...upstream, host: '127.0.0.2' })
})
