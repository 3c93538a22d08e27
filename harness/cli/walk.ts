import { load, type Override } from '../api.ts'
import { credentialsOf, isCredentialHeader } from '../credentials.ts'
import type { Tap } from '../engine/tapped.ts'
import { type ExitCode, exitCode } from '../errors.ts'
import type { Message } from '../protocols/protocol.ts'
import { type WalkOptions, walkThrough } from '../run/walkThrough.ts'
import { hexRows, quoteShown, type Secrets, showBytes } from '../shownBytes.ts'
import { printable } from '../terminal/cells.ts'
import type { CommandIo } from './io.ts'

/** Bytes of a frame that are shown. */
const shownBytesMax = 256
const shownCharactersMax = 1200

/**
 * `volley talk mine.yaml`: goes once through the handshake and the steps of a scenario, or through the request of an HTTP
 * URL, and shows what is sent and what comes.
 */
export async function walk(source: string, overrides: readonly Override[], io: CommandIo): Promise<ExitCode> {
  const loaded = await load(source, { overrides, variables: io.env })
  const write = (line: string) => io.stdout.write(`${line}\n`)
  const tap: WalkOptions['tap'] = (secrets, names) => {
    // With one connection there is nothing to tell apart.
    const labels = names.length < 2 ? [] : names.map(name => `${name}  `)
    return createTap(secrets, { write, labels })
  }
  const { lines, isAsExpected } = await walkThrough(loaded, { tap, signal: io.signal })
  for (const line of ['', ...lines]) write(printable(line))
  if (io.signal.aborted) return exitCode.interrupted
  return isAsExpected ? exitCode.pass : exitCode.failed
}

/** Tokens that a server gives out, as cookies or as values to capture, become secret with the first header they are in. */
const sessionsMax = 100

interface Output {
  readonly write: (line: string) => unknown
  /** By link: what stands before its lines; empty where there is one connection. */
  readonly labels: readonly string[]
}

function createTap(known: Secrets, { write, labels }: Output): Tap {
  let secrets = known
  let sessions = 0
  const learn = (headers: Message['headers'] = {}) => {
    const found = Object.entries(headers).filter(([name]) => isCredentialHeader(name))
    if (found.length === 0 || sessions++ >= sessionsMax) return
    secrets = secrets.and(found.flatMap(([, value]) => credentialsOf(value)))
  }
  const show = (bytes: Uint8Array) => {
    const kept = bytes.subarray(0, shownBytesMax)
    return showBytes(kept, secrets, kept.length < bytes.length)
  }
  const hexOf = (bytes: Uint8Array) => {
    const kept = bytes.subarray(0, shownBytesMax)
    const rows = hexRows(kept, secrets, kept.length < bytes.length)
    return kept.length < bytes.length ? [...rows, `... ${bytes.length} bytes in all`] : rows
  }
  const labelOf = (link: number) => labels[link] ?? ''
  const lines = (mark: string, text: string, bytes: Uint8Array) => {
    write(`${mark} ${text}`)
    for (const row of hexOf(bytes)) write(`    ${row}`)
  }
  return {
    opened: link => write(`${labelOf(link)}connected`),
    frame(isSent, bytes, from, end, { link, format }) {
      const { body, ...fields }: Message = format?.decode(bytes, from, end) ?? { body: bytes.subarray(from, end) }
      learn(fields.headers)
      const text = [...fieldsOf(fields, secrets), quoteShown(show(body), shownCharactersMax)].join('  ')
      lines(`${labelOf(link)}${isSent ? '>' : '<'}`, text, bytes.subarray(from, end))
    },
    rest: (bytes, from, to, link) => {
      lines(`${labelOf(link)}<`, `${to - from} bytes that are no whole frame`, bytes.subarray(from, to))
    },
    closed: (link, cause) => write(`${labelOf(link)}closed: ${cause}`),
  }
}

/** The fields of a message besides its body: `type 1`, `status 200`; headers as they are. */
function fieldsOf({ fields, ...others }: Omit<Message, 'body'>, secrets: Secrets): string[] {
  return Object.entries({ ...others, ...fields })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
      const shown = showBytes(Buffer.from(text), secrets)
      return `${name} ${typeof value === 'string' || typeof value === 'object' ? quoteShown(shown, shownCharactersMax) : shown.text}`
    })
}
