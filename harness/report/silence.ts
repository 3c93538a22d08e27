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
  /** Says why bytes are no whole message. */
  readonly explain?: ((bytes: Uint8Array, from: number, to: number) => string | undefined) | undefined
  /** The target was named by a file, in which other words ask for a protocol than on a command line. */
  readonly isFromFile: boolean
}

const requestCharactersMax = 40

/** How each protocol is asked for: with the target given on the command line, and in a scenario file. */
interface Words {
  readonly line: string
  readonly http: string
  readonly redis: string
  readonly frame: string
  readonly tls: string
}

const onCommandLine: Words = {
  line: '--protocol line',
  http: 'an http:// URL',
  redis: 'a redis:// URL',
  frame: '--protocol frame, tlv or rpc',
  tls: 'https:// or tls:// in place of its scheme',
}
const inFile: Words = {
  line: 'protocol: line',
  http: 'protocol: http',
  redis: 'protocol: resp',
  frame: 'protocol: frame, tlv or rpc',
  tls: 'a tls:// address',
}

/** What may be spoken in place of a protocol. */
function others(protocol: string, words: Words): string {
  const line = `a server of lines wants ${words.line}`
  const http = `a web server wants ${words.http}`
  const redis = `Redis ${words.redis}`
  const frame = `binary messages with a length ${words.frame}`
  switch (protocol) {
    case 'raw':
      return `${line}, ${http}, ${frame}`
    case 'line':
      return `${http}, ${redis}, ${frame}`
    case 'http':
      return `a server behind TLS wants ${words.tls}, ${line}`
    case 'resp':
      return `${line}, ${http}`
    default:
      return `${line}, ${http}, ${redis}`
  }
}

/** What the first bytes of a server show it to speak, unless that is the protocol of the run. */
const spoken: readonly {
  readonly pattern: RegExp
  readonly protocol: string
  readonly says: (words: Words) => string
}[] = [
  { pattern: /^HTTP\/\d/, protocol: 'http', says: ({ http }) => `a web server answered: use ${http}` },
  { pattern: /^\x15\x03[\x00-\x04]/, protocol: '', says: ({ tls }) => `the server speaks TLS: use ${tls}` },
  { pattern: /^SSH-/, protocol: 'ssh', says: () => 'an SSH server answered: is the port right?' },
  {
    pattern: /^(?:\+PONG|\+OK|-ERR|-NOAUTH|-DENIED)[ \r]/,
    protocol: 'resp',
    says: ({ redis }) => `Redis answered: use ${redis}`,
  },
  {
    pattern: /^[\t\x20-\x7e]+\r?\n/,
    protocol: 'line',
    says: ({ line }) => `lines of text came: use ${line}`,
  },
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
  const { protocol, bytesSent, bytesReceived, deliveries = 0, samples, firstRequest, secrets, isFromFile } = inputs
  if (deliveries > 0) return `${plural(deliveries, 'delivery')} came and no acknowledgement: ${otherAddress}`
  const words = isFromFile ? inFile : onCommandLine
  const request =
    firstRequest === undefined ? '' : ` (${quoteShown(showBytes(firstRequest, secrets), requestCharactersMax)})`
  const came = `${plural(bytesReceived, 'byte')} came to ${formatCount(bytesSent)} sent${request}`
  const beginning = samples.find(({ kind }) => kind === 'partial' || kind === 'unfinished')
  const why = beginning && inputs.explain?.(beginning.bytes, 0, beginning.bytes.length)
  // Frames are whole, so that the protocol is right and the rules of its replies are not.
  if (why !== undefined && /^[\d,]+ whole frame/.test(why)) return `${came}: ${why}`
  const but = bytesReceived === 0 ? '' : ', but no whole message'
  return `${came}${but}: ${recognized(samples, protocol, words) ?? `is protocol ${protocol} right? ${others(protocol, words)}`}`
}

function recognized(samples: SilenceInputs['samples'], protocol: string, words: Words): string | undefined {
  const texts = samples.map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
  const found = spoken.find(({ pattern }) => texts.some(text => pattern.test(text)))
  return found?.protocol === protocol ? undefined : found?.says(words)
}
