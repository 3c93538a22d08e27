import { acceptOf, headEnd } from '../../harness/protocols/webSocket.ts'

const keyPattern = /^[A-Za-z0-9+/]{22}==$/
const version = '13'

/** What a server answers a request for an upgrade, and whether the connection speaks WebSocket from then on. */
export interface UpgradeAnswer {
  readonly isUpgraded: boolean
  readonly head: Uint8Array
}

/** Answers the head of a request for an upgrade (RFC 6455, section 4.2). */
export function answerUpgrade(head: Uint8Array): UpgradeAnswer {
  const [requestLine = '', ...lines] = Buffer.from(head).toString('latin1').slice(0, -headEnd.length).split('\r\n')
  const headers = new Map(lines.map(line => [nameOf(line), line.slice(line.indexOf(':') + 1).trim()]))
  const has = (name: string, word: string) =>
    (headers.get(name) ?? '').split(',').some(one => one.trim().toLowerCase() === word)
  const key = headers.get('sec-websocket-key') ?? ''
  if (!/^GET \S+ HTTP\/1\.1$/.test(requestLine)) return refusal('400 Bad Request', 'a WebSocket begins with GET')
  if (!has('upgrade', 'websocket') || !has('connection', 'upgrade')) {
    return refusal('426 Upgrade Required', 'this server speaks WebSocket', ['Upgrade: websocket'])
  }
  if (headers.get('sec-websocket-version') !== version) {
    return refusal('426 Upgrade Required', 'the version is not 13', [`Sec-WebSocket-Version: ${version}`])
  }
  if (!keyPattern.test(key)) return refusal('400 Bad Request', 'Sec-WebSocket-Key is not 16 bytes in base64')
  const answer = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  return {
    isUpgraded: true,
    head: Buffer.from([...answer, `Sec-WebSocket-Accept: ${acceptOf(key)}`, '', ''].join('\r\n')),
  }
}

/** An answer of HTTP that says no, after which the connection is closed. */
export function refusal(status: string, why: string, headers: readonly string[] = []): UpgradeAnswer {
  const lines = [`HTTP/1.1 ${status}`, ...headers, 'Connection: close', `Content-Length: ${why.length}`]
  return { isUpgraded: false, head: Buffer.from(`${lines.join('\r\n')}${headEnd}${why}`) }
}

function nameOf(line: string): string {
  return line
    .slice(0, Math.max(0, line.indexOf(':')))
    .trim()
    .toLowerCase()
}
