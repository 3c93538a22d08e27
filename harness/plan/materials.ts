import { resolve } from 'node:path'
import { parse } from 'csv-parse/sync'
import { messageOf, reasonOf } from '../errors.ts'
import { show } from '../invalidValue.ts'
import { answersOf } from '../scenario/answers.ts'
import { placedSteps } from '../scenario/clients.ts'
import type { LoadedScenario } from '../scenario/loaded.ts'
import { type Issue, IssuesError, issue, type Path } from '../scenario/path.ts'
import { isMessage, isUnframed, limits, type Payload, type Scenario, type Send } from '../scenario/scenario.ts'
import type { TlsSettings } from '../transports/transport.ts'
import { showUtf8Fault, utf8Fault } from '../utf8.ts'
import { readBounded } from '../wholeFile.ts'

/** Contents of the other files that a scenario names, read before the run and limited in size. */
export interface Materials {
  /** Payload files, by their name in the scenario. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The rows of the data file, by column. */
  readonly rows: readonly Readonly<Record<string, string>>[]
  readonly tls?: TlsSettings
}

/** Reads every file that a scenario names; an IssuesError lists all that cannot be read or are too large. */
export async function readMaterials({
  scenario,
  folder,
}: Pick<LoadedScenario, 'scenario' | 'folder'>): Promise<Materials> {
  const issues: Issue[] = []
  async function read(path: string, at: Path, bytesMax: number): Promise<Uint8Array> {
    const full = resolve(folder, path)
    try {
      return await readBounded(full, { what: 'a file', bytesMax })
    } catch (error) {
      issues.push(issue(at, `cannot read "${full}": ${reasonOf(error)}`))
    }
    return new Uint8Array(0)
  }

  const files = new Map<string, Uint8Array>()
  for (const [name, at] of payloadFiles(scenario)) files.set(name, await read(name, at, limits.payloadBytesMax))
  const data = scenario.data && (await read(scenario.data.file, dataFile, limits.dataBytesMax))
  const rows = data && issues.length === 0 ? parseRows(data, scenario.data.file, issues) : []
  let tls: TlsSettings | undefined
  if (scenario.tls) {
    const { ca, cert, key, ...rest } = scenario.tls
    const pem = async (path: string | undefined, name: string) => {
      if (path === undefined) return undefined
      const known = issues.length
      const text = Buffer.from(await read(path, ['tls', name], limits.scenarioBytesMax)).toString()
      if (issues.length === known && !text.includes(pemStart)) {
        issues.push(issue(['tls', name], `"${path}" is not PEM: it has no line that begins with "${pemStart}"`))
      }
      return text
    }
    const texts = { ca: await pem(ca, 'ca'), cert: await pem(cert, 'cert'), key: await pem(key, 'key') }
    tls = { ...rest, ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)) }
  }
  if (issues.length > 0) throw new IssuesError(issues)
  return { files, rows, ...(tls === undefined ? {} : { tls }) }
}

const dataFile: Path = ['data', 'file']
const pemStart = '-----BEGIN '
/** A mark of byte order, by which UTF-16 is told from UTF-8. */
const utf16Mark = Buffer.of(0xff, 0xfe)

function parseRows(data: Uint8Array, file: string, issues: Issue[]): Record<string, string>[] {
  const isUtf16 = utf16Mark.equals(data.subarray(0, utf16Mark.length))
  const fault = isUtf16 ? undefined : utf8Fault(data)
  if (fault !== undefined) {
    // Decoded all the same, each byte that is none would go out as three others.
    issues.push(issue(dataFile, `"${file}" is not UTF-8 text: ${showUtf8Fault(fault)}; save it as UTF-8`))
    return []
  }
  const columns = (names: string[]) => {
    const twice = names.filter((name, index) => name !== '' && names.indexOf(name) < index)
    for (const name of new Set(twice)) {
      issues.push(issue(dataFile, `"${file}" has the column ${show(name)} more than once`))
    }
    return names
  }
  try {
    const rows = parse(data, { columns, bom: true, skip_empty_lines: true, to: limits.dataRowsMax + 1 })
    if (rows.length === 0) issues.push(issue(dataFile, `"${file}" has no rows below its header`))
    if (rows.length > limits.dataRowsMax) {
      issues.push(issue(dataFile, `"${file}" has more than ${limits.dataRowsMax} rows`))
    }
    return rows as Record<string, string>[]
  } catch (error) {
    issues.push(issue(dataFile, `"${file}" is not CSV with a header line: ${messageOf(error)}`))
    return []
  }
}

/** The payload files of a scenario, each with the first place that names it. */
function payloadFiles(scenario: Scenario): Map<string, Path> {
  const { heartbeat, protocol } = scenario
  const files = new Map<string, Path>()
  function add(payload: Payload | undefined, at: Path): void {
    if (payload === undefined || typeof payload === 'string') return
    if (Array.isArray(payload)) {
      for (const [index, part] of (payload as readonly Payload[]).entries()) add(part, [...at, index])
    } else if ('of' in payload) add(payload.of, [...at, 'of'])
    else if ('file' in payload && !files.has(payload.file)) files.set(payload.file, [...at, 'file'])
  }
  function addSend(send: Send, at: Path): void {
    if (isMessage(send)) add(send.body, [...at, 'body'])
    else if (isUnframed(send)) add(send.unframed, [...at, 'unframed'])
    else add(send, at)
  }
  for (const { path, step } of placedSteps(scenario)) {
    addSend(step.send, [...path, 'send'])
    const { expect } = step
    if (typeof expect !== 'object') continue
    for (const key of ['equals', 'body', 'begins', 'contains'] as const) add(expect[key], [...path, 'expect', key])
  }
  if (heartbeat) addSend(heartbeat.send, ['heartbeat', 'send'])
  for (const { path, send } of answersOf(protocol)) addSend(send, [...path, 'send'])
  return files
}
