import type { Command } from 'commander'
import { type ExitCode, exitCode, UserError } from '../errors.ts'
import { canonicalName } from '../protocols/aliases.ts'
import { describedNames, describedProtocols } from '../protocols/described.ts'
import type { ProtocolName } from '../protocols/protocol.ts'
import { allNames, protocolNames } from '../protocols/spec.ts'
import { describe, descriptions } from '../scenario/named.ts'
import { unknownWord } from '../suggestion.ts'
import { clip } from '../terminal/cells.ts'
import type { CommandIo } from './io.ts'

/** What a built-in protocol is, and what to type in place of its name. */
const builtIn: Readonly<Record<ProtocolName, { readonly summary: string; readonly url?: string }>> = {
  http: { summary: 'HTTP/1.1', url: 'http://host/path, https://' },
  resp: { summary: 'Redis: RESP2 and RESP3; redis is the same', url: 'redis://host/database, rediss://' },
  line: { summary: 'text lines, and data that some of them announce' },
  frame: { summary: 'binary messages, drawn element by element' },
  raw: { summary: 'replies of a fixed length, or as long as the request' },
  tlv: { summary: '8 bytes of header: length and type' },
  rpc: { summary: 'an RPC framework with ids, versions and extensions' },
  broadcast: { summary: 'one JSON object a line, which everybody else gets' },
}

/** `volley protocols`: every protocol by name. */
export function addProtocols(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('protocols')
    .description('list the protocols by name')
    .action(() => {
      const rows = [
        ...Object.entries(builtIn).map(([name, { summary, url = '' }]) => [name, url, summary] as const),
        ...descriptions().map(({ name, summary }) => [name, urlsOf(name), summary] as const),
      ]
      const widths = [0, 1].map(column => Math.max(...rows.map(row => row[column]!.length)))
      for (const [name, url, summary] of rows) {
        const line = `${name.padEnd(widths[0]!)}  ${url.padEnd(widths[1]!)}  ${summary}`
        io.stdout.write(`${clip(line, io.stdout.columns || Number.POSITIVE_INFINITY)}\n`)
      }
      io.stdout.write(
        `\n"volley protocol ${describedNames[0]!}" prints the description of one, which is a scenario that runs.\n`,
      )
      done(exitCode.pass)
    })
}

/** `volley protocol NAME`: the description of a protocol, to read or to change. */
export function addProtocol(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('protocol')
    .description('print the description of a protocol: a scenario that runs, to be changed')
    .argument('<name>', `${describedNames.join(', ')}`)
    .option('--tcp', 'for a protocol of datagrams: the description of its streams')
    .action((name: string, { tcp = false }: { tcp?: boolean }) => {
      if (!describedNames.includes(name)) throw unknown(name)
      if (tcp && !describedProtocols[name]!.overUdp) {
        throw new UserError([{ place: '--tcp', message: `${name} runs over streams anyway` }])
      }
      io.stdout.write(describe(name, tcp).text)
      done(exitCode.pass)
    })
}

function unknown(name: string): UserError {
  if ((protocolNames as readonly string[]).includes(canonicalName(name))) {
    return new UserError([{ place: name, message: 'is built in: docs/protocols.md says what it takes' }])
  }
  return new UserError([{ place: name, message: unknownWord('protocol', name, allNames) }])
}

function urlsOf(name: string): string {
  const { schemes, secure } = describedProtocols[name]!
  return [`${schemes[0]!}://host`, ...(secure === undefined ? [] : [`${secure.schemes[0]!}://`])].join(', ')
}
