import type { Replies } from '../metrics/replies.ts'
import { quoteShown, type Secrets, showBytes } from '../shownBytes.ts'
import { formatCount, plural } from '../units.ts'

/** What is known of a run in which nothing came back that is a message. */
export interface SilenceInputs {
  readonly protocol: string
  readonly bytesSent: number
  readonly bytesReceived: number
  /** Messages of other clients. */
  readonly deliveries?: number
  /** The samples of what came. */
  readonly samples: Replies['samples']
  /**
   * The first request as it was encoded; absent where it has data of a file, which is not to be shown, or is encoded anew
   * each time.
   */
  readonly firstRequest: Uint8Array | undefined
  readonly secrets: Secrets
}

const requestCharactersMax = 40

const line = 'a server of lines wants --protocol line'
const http = 'a web server wants an http:// URL'
const frame = 'binary messages with a length --protocol frame, tlv or rpc'
const anyOther = `${line}, ${http}, Redis a redis:// URL`
/** By protocol: what may be spoken in its place. */
const otherProtocols: Readonly<Record<string, string>> = {
  raw: `${line}, ${http}, ${frame}`,
  line: `${http}, Redis a redis:// URL, ${frame}`,
  http: `a server behind TLS wants tls: in the scenario, ${line}`,
  resp: `${line}, ${http}`,
}

/** What the first bytes of a server show it to speak, unless that is the protocol of the run. */
const spoken: readonly { readonly pattern: RegExp; readonly protocol: string; readonly says: string }[] = [
  { pattern: /^HTTP\/\d/, protocol: 'http', says: 'a web server answered: use an http:// URL' },
  {
    pattern: /^\x15\x03[\x00-\x04]/,
    protocol: '',
    says: 'the server speaks TLS: use https:// or tls://, or tls: in the scenario',
  },
  { pattern: /^SSH-/, protocol: 'ssh', says: 'an SSH server answered: is the port right?' },
  {
    pattern: /^(?:\+PONG|\+OK|-ERR|-NOAUTH|-DENIED)[ \r]/,
    protocol: 'resp',
    says: 'Redis answered: use a redis:// URL',
  },
  { pattern: /^[\t\x20-\x7e]+\r?\n/, protocol: 'line', says: 'lines of text came: use --protocol line' },
]

/** Why a server that goes by `client_ip` takes a client's messages for those of another. */
const otherAddress =
  'does the server know this client by another address than client_ip says, as behind a relay or NAT? clientIp in send sets the one it knows'

/** Whether not one whole message came back: no reply as expected or not, and no other frame. */
export function isSilent({ samples }: Pick<Replies, 'samples'>, completed: number): boolean {
  return completed === 0 && !samples.some(({ kind }) => ['unexpected', 'stray', 'surplus', 'greeting'].includes(kind))
}

/** What came to what was sent, and what to try: `0 bytes came to 12 sent ("Hello World!"): is raw right? ...`. */
export function silenceText(inputs: SilenceInputs): string {
  const { protocol, bytesSent, bytesReceived, deliveries = 0, samples, firstRequest, secrets } = inputs
  if (deliveries > 0) return `${plural(deliveries, 'delivery')} came and no acknowledgement: ${otherAddress}`
  const request =
    firstRequest === undefined ? '' : ` (${quoteShown(showBytes(firstRequest, secrets), requestCharactersMax)})`
  const came = `${plural(bytesReceived, 'byte')} came to ${formatCount(bytesSent)} sent${request}`
  const but = bytesReceived === 0 ? '' : ', but no whole message'
  return `${came}${but}: ${recognized(samples, protocol) ?? `is protocol ${protocol} right? ${otherProtocols[protocol] ?? anyOther}`}`
}

function recognized(samples: SilenceInputs['samples'], protocol: string): string | undefined {
  const texts = samples.map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
  const found = spoken.find(({ pattern }) => texts.some(text => pattern.test(text)))
  return found?.protocol === protocol ? undefined : found?.says
}
