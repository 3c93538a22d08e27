import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../built.ts'

const folder = join(packageRoot, 'harness/protocols/testing/streams')

/** What a real server has sent on one connection, as a file of `streams/` has it. */
export interface RecordedStream {
  readonly name: string
  /** How a scenario writes its protocol. */
  readonly protocol: string
  /** How many frames it is, by the counts of the run: replies with what came within them, greetings and deliveries. */
  readonly frames: number
  /** Each is a frame, where the protocol runs over UDP. */
  readonly datagrams?: readonly Uint8Array[]
  readonly bytes: Uint8Array
}

/**
 * Every recorded stream. A file begins with comments, then `protocol:` and `frames:`; the rest is hexadecimal digits, one
 * datagram a line where the file says `over: udp`.
 */
export function recordedStreams(): RecordedStream[] {
  return readdirSync(folder).map(file => {
    const lines = readFileSync(join(folder, file), 'utf8').split('\n')
    const setting = (key: string) => lines.find(line => line.startsWith(`${key}: `))?.slice(key.length + 2)
    const digits = lines.filter(line => /^[0-9a-f]+$/.test(line))
    const bytes = Buffer.from(digits.join(''), 'hex')
    return {
      name: file.replace(/\.txt$/, ''),
      protocol: setting('protocol')!,
      frames: Number(setting('frames')),
      bytes,
      ...(setting('over') === 'udp' && { datagrams: digits.map(line => Buffer.from(line, 'hex')) }),
    }
  })
}
