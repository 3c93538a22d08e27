import { dirname, isAbsolute, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { prepare } from '../api.ts'
import { type ExitCode, exitCode, reasonOf, UserError } from '../errors.ts'
import { isMapping, type Mapping } from '../mapping.ts'
import { aliasNames, canonicalName } from '../protocols/aliases.ts'
import { describedNames, describedProtocols } from '../protocols/described.ts'
import type { ProtocolName } from '../protocols/protocol.ts'
import { allNames, protocolNames } from '../protocols/spec.ts'
import { parseScenario, protocolIn } from '../scenario/load.ts'
import { describe } from '../scenario/named.ts'
import { applyOverrides, type Override } from '../scenario/overrides.ts'
import { defaultSend, isHttpUrl, isUrl, nameFromUrl, settingsOfUrl } from '../scenario/url.ts'
import { renderScenario } from '../scenario/yaml/render.ts'
import { unknownWord } from '../suggestion.ts'
import { createWholeSync } from '../wholeFile.ts'
import { addSettings, overridesOf } from './flags.ts'
import type { CommandIo } from './io.ts'
import { addRequestFlags, type RequestFlags, requestOverrides } from './request.ts'
import { sendOf, sendOverride } from './validRequest.ts'

interface InitFlags extends RequestFlags {
  readonly send?: string
  readonly output?: string
}

/** The flags of `volley run` that a new scenario takes over; a key is none of them, as it does not belong in a file. */
const settingNames = 'connections duration requests pipeline warmup timeout rate protocol insecure'.split(' ')

/** In place of a file, as other programs have it. */
const stdoutName = '-'

/** The server that a scenario for a protocol alone starts. */
const servers: Readonly<Record<ProtocolName, Mapping>> = {
  raw: { serve: 'echo' },
  line: { serve: 'echo' },
  frame: { serve: 'echo' },
  tlv: { serve: 'tlv' },
  rpc: { serve: 'rpc' },
  broadcast: { serve: 'broadcast' },
  http: { serve: 'http' },
  resp: { command: "redis-server --port {port} --bind 127.0.0.1 --save '' --appendonly no" },
}

/** `volley init`: writes a scenario with the keys that a beginner needs, each with a comment. */
export function addInit(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  const command = program
    .command('init')
    .description('write a scenario file with comments, for a server or a protocol, that runs as it is')
    .argument(
      '<url | protocol>',
      `a URL as for run; or ${[...protocolNames, ...aliasNames].join(', ')}, for which a server is started`,
    )
  addRequestFlags(addSettings(command, settingNames))
    .option('--send <text or JSON>', 'the request: a text, or fields as in {"type": 1, "body": "hello"}')
    .option('-o, --output <file>', 'a new file to write to; - is standard output, as without it')
    .action(async (source: string, flags: InitFlags) => {
      const file = flags.output === stdoutName ? undefined : flags.output
      const text = await newScenario(source, flags, file)
      if (file === undefined) io.stdout.write(text)
      else {
        create(file, text)
        io.stdout.write(`wrote ${file}; run it with: volley run ${quoted(file)}\n`)
      }
      done(exitCode.pass)
    })
}

async function newScenario(source: string, flags: InitFlags, file: string | undefined): Promise<string> {
  if (describedNames.includes(source)) return describedScenario(source, flags)
  const settings = overridesOf(flags, {}, settingNames)
  const base = isUrl(source) ? baseOfUrl(source, settings) : baseOfProtocol(source, settings)
  const protocol = (protocolIn(settings) ?? base['protocol']) as ProtocolName
  const send = flags.send === undefined ? undefined : sendOverride(sendOf(flags.send, protocol))
  const chosen = send === undefined ? settings : [...settings, send]
  const request = requestOverrides(flags, [source], protocol === 'http' ? [...chosen, overHttp] : chosen)
  const overrides = [...chosen, ...request]
  // Faults of flags are found here, where they have the flags for their places; files are read from the working folder.
  await prepare({ ...parseScenario(renderScenario(base), source, overrides, {}), folder: process.cwd() })
  const { data } = applyOverrides(base, fromFolderOf(file, overrides))
  return renderScenario(data as Mapping)
}

/** The description of a protocol is a scenario with comments itself. */
function describedScenario(name: string, { output: _, ...flags }: InitFlags): string {
  const [first] = overridesOf(flags, {}, settingNames)
  if (first !== undefined || flags.send !== undefined) {
    const message = `goes with a URL such as ${describedProtocols[name]!.schemes[0]}://host, not with the name of a protocol alone`
    throw new UserError([{ place: first?.origin ?? '--send', message }])
  }
  return describe(name).text
}

const overHttp: Override = { path: ['protocol'], value: 'http', origin: '' }

function baseOfUrl(url: string, overrides: readonly Override[]): Mapping {
  const chosen = protocolIn(overrides)
  const { target, protocol, loop } = settingsOfUrl(url, chosen)
  return {
    ...commonSettings(nameFromUrl(url)),
    target,
    // The header Host follows from the address.
    protocol: isHttpUrl(url) ? 'http' : protocol,
    ...(loop && { loop }),
  }
}

function baseOfProtocol(typed: string, overrides: readonly Override[]): Mapping {
  const name = canonicalName(typed)
  if (!(protocolNames as readonly string[]).includes(name)) {
    const message = unknownWord('protocol', name, allNames)
    throw new UserError([{ place: name, message }], 'name a protocol, or the server as a URL or host:port')
  }
  const flag = overrides.find(({ path }) => path[0] === 'protocol' && protocolIn(overrides) !== name)
  if (flag !== undefined) {
    throw new UserError([
      { place: flag.origin, message: `is for another protocol than ${name}, which is named already` },
    ])
  }
  const protocol = name as ProtocolName
  const loop = protocol === 'resp' ? [{ send: 'PING', expect: { equals: 'PONG' } }] : loopOf(protocol)
  return { ...commonSettings(protocol), target: servers[protocol], protocol, loop }
}

function commonSettings(name: string): Mapping {
  return {
    name,
    connections: 10,
    load: { pipeline: 1 },
    duration: '10s',
    warmup: 'auto',
    timeout: '5s',
    thresholds: ['errors < 1%'],
  }
}

function loopOf(protocol: ProtocolName): readonly unknown[] {
  return [{ send: defaultSend(protocol) }]
}

/** The overrides with the paths of files as they are from the folder of the new file. */
function fromFolderOf(output: string | undefined, overrides: readonly Override[]): Override[] {
  if (output === undefined) return [...overrides]
  return overrides.map(override => {
    const { value } = override
    if (override.origin !== '--body' || !isMapping(value) || isAbsolute(String(value['file']))) return override
    return { ...override, value: { file: relative(dirname(resolve(output)), resolve(String(value['file']))) } }
  })
}

function create(file: string, text: string): void {
  let isNew: boolean
  try {
    isNew = createWholeSync(file, text)
  } catch (error) {
    throw new UserError([{ place: file, message: `cannot be written: ${reasonOf(error)}` }])
  }
  if (!isNew)
    throw new UserError([{ place: file, message: 'exists already, and is not overwritten' }], 'name another file')
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
