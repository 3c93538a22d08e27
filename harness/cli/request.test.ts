import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type net from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import type { Override } from '../scenario/overrides.ts'
import { certificate } from '../transports/testing/certificate.ts'
import { type RequestFlags, requestOverrides } from './request.ts'
import { cleanUp, cleanUpWith, Invocation, listen, run, temporaryFolder, volley } from './testing/volley.ts'

afterEach(cleanUp)

const reply = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** An HTTP server that keeps the first request it was sent; each request comes in one piece. */
async function httpServer(): Promise<{ readonly url: string; readonly first: () => string }> {
  let first = ''
  const { port } = await listen(socket =>
    socket.on('data', bytes => {
      first ||= String(bytes)
      socket.write(reply)
    }),
  )
  return { url: `http://127.0.0.1:${port}/a`, first: () => first }
}

describe('volley run with the request of an HTTP URL', () => {
  test('sends a method, headers and a body', async () => {
    const server = await httpServer()
    const flags = ['-m', 'PUT', '-H', 'X-One: 1', '-H', 'Authorization:Bearer a:b', '--body', '{"n":{"m":1}}']
    const { code, report } = await run(server.url, ...flags, '-c', '1', '-n', '5')
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ sent: 5, completed: 5 })
    expect(server.first()).toMatch(/^PUT \/a HTTP\/1\.1\r\n/)
    expect(server.first()).toContain('X-One: 1\r\n')
    expect(server.first()).toContain('Authorization: Bearer a:b\r\n')
    expect(server.first()).toMatch(/Content-Length: 13\r\n.*\r\n\{"n":\{"m":1\}\}$/s)
  })

  test('posts the bytes of a file', async () => {
    const server = await httpServer()
    const file = join(temporaryFolder(), 'body.bin')
    writeFileSync(file, 'from a file {{not a slot')
    const { code } = await run(server.url, '--body', `@${file}`, '-c', '1', '-n', '2')
    expect(code).toBe(0)
    expect(server.first()).toMatch(/^POST \/a HTTP\/1\.1\r\n.*from a file \{\{not a slot$/s)
  })

  test('fills slots of a body in, and names a body file that is missing', async () => {
    const server = await httpServer()
    expect((await run(server.url, '--body', 'id={{seq 3}}', '-c', '1', '-n', '1')).code).toBe(0)
    expect(server.first()).toMatch(/id=\d{3}$/)
    const missing = await volley('run', server.url, '--body', '@no/such/body')
    expect(missing.code).toBe(2)
    expect(missing.stderr).toContain('--body')
    expect(missing.stderr).toContain('no/such/body')
  })

  test('sends them over an address with protocol http too', async () => {
    const server = await httpServer()
    const address = server.url.slice('http://'.length, -2)
    const { code } = await run(address, '--protocol', 'http', '-H', 'Accept: a/b', '-c', '1', '-n', '1')
    expect(code).toBe(0)
    expect(server.first()).toMatch(/^GET \/ HTTP\/1\.1\r\n.*Accept: a\/b\r\n/s)
  })
})

describe('volley run https://', () => {
  /** A server whose certificate is signed by itself. */
  async function secureServer(): Promise<string> {
    const server = tls.createServer(certificate, socket =>
      socket.on('error', () => {}).on('data', () => socket.write(reply)),
    )
    server.listen(0, '127.0.0.1')
    cleanUpWith(() => server.close())
    await once(server, 'listening')
    return `https://127.0.0.1:${(server.address() as net.AddressInfo).port}/`
  }

  test('trusts the certificates of the system, and no others', async () => {
    const url = await secureServer()
    const refused = await volley('run', url, '-n', '1')
    expect(refused.code).toBe(2)
    expect(refused.stderr).toMatch(/self-signed certificate/)
    expect(refused.stderr).toContain('or accept any with --insecure')

    const bundle = join(temporaryFolder(), 'bundle.crt')
    writeFileSync(bundle, certificate.cert)
    const before = process.env['SSL_CERT_FILE']
    process.env['SSL_CERT_FILE'] = bundle
    cleanUpWith(() => {
      if (before === undefined) delete process.env['SSL_CERT_FILE']
      else process.env['SSL_CERT_FILE'] = before
    })
    const { code, report } = await run(url, '-c', '2', '-n', '20')
    expect(code).toBe(0)
    expect(report.totals).toMatchObject({ completed: 20, failed: 0, connects: 2 })
    expect(report.target).toMatch(/^tls:/)
  })

  test('accepts any certificate with --insecure, which is for TLS only', async () => {
    const { code, report } = await run(await secureServer(), '--insecure', '-c', '1', '-n', '3')
    expect(code).toBe(0)
    expect(report.totals.completed).toBe(3)
    const plain = await volley('run', 'http://127.0.0.1:1/', '--insecure')
    expect(plain).toMatchObject({ code: 2 })
    expect(plain.stderr).toContain('--insecure  tls: needs a target with a tls:// address')
  })
})

function faultsOf(flags: RequestFlags, source: string, others: readonly Override[] = []): string[] {
  try {
    requestOverrides(flags, [source], others)
  } catch (error) {
    if (error instanceof UserError) return error.faults.map(({ place, message }) => `${place} ${message}`)
    throw error
  }
  return []
}

const inFile =
  'in a scenario file write send: { method: POST, path: /users, headers: { Accept: text/html }, body: ... }'
const overLine = [{ path: ['protocol'], value: 'line', origin: '--protocol' }]

test.each<[string, RequestFlags, string, readonly Override[], readonly string[]]>([
  [
    'a scenario file',
    { method: 'PUT', body: 'a' },
    'mine.yaml',
    [],
    [
      `--method is for HTTP URLs, and "mine.yaml" is a scenario; ${inFile}`,
      `--body is for HTTP URLs, and "mine.yaml" is a scenario; ${inFile}`,
    ],
  ],
  [
    'an address without a protocol',
    { header: ['A: b'] },
    'h:80',
    [],
    ['--header is for protocol http, and "h:80" is loaded with raw; write http:// or add --protocol http'],
  ],
  [
    'Redis',
    { body: 'a' },
    'rediss://h',
    [],
    ['--body is for protocol http, and "rediss://h" is loaded with resp; --send is its request'],
  ],
  [
    'another protocol',
    { body: 'a' },
    'http://h/',
    overLine,
    ['--body is for protocol http, and "http://h/" is loaded with line; --send is its request'],
  ],
  [
    'faulty headers',
    { header: ['Accept', 'A: 1', ': 2', 'A: 3', 'a b: 4'] },
    'http://h/',
    [],
    [
      '--header expected a header such as \'Accept: text/html\', got "Accept"',
      '--header expected a header such as \'Accept: text/html\', got ": 2"',
      '--header expected a header such as \'Accept: text/html\', got "a b: 4"',
      '--header the header "A" is given twice',
    ],
  ],
])('requestOverrides() refuses %s', (_, flags, source, others, faults) => {
  expect(faultsOf(flags, source, others)).toEqual(faults)
})

test.each([
  [['-m', 'FETCH'], '--method  loop[0].send.method: expected GET, POST, PUT, PATCH, DELETE or OPTIONS, got "FETCH"'],
  [['-H', 'Content-Length: 5'], '--header  loop[0].send.headers.Content-Length: is added from the body; leave it out'],
  [['-H', 'A: 1', '-H', 'a: 2'], '--header  loop[0].send.headers.a: is the same header as "A"'],
  [['--body', '{{seq'], '--body  loop[0].send.body: expected two braces at both ends of a slot, as in {{seq}}'],
])('volley run refuses %j at its flag', async (flags, message) => {
  const { code, stderr } = await volley('run', 'http://127.0.0.1:1/', ...flags)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})

test('requestOverrides() changes nothing without flags', () => {
  expect(requestOverrides({}, ['mine.yaml', 'tcp://h:1'], [])).toEqual([])
})

test('volley takes a scheme that it does not have for a fault, not for a file', async () => {
  for (const url of ['gopher://h:1/', 'xmpp://h']) {
    const { code, stderr } = await new Invocation([url]).ended
    expect(code).toBe(2)
    expect(stderr).toContain('is not in this version of volley; it has http://, https://, redis://')
  }
})
