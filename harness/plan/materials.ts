import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse } from 'csv-parse/sync'
import { type Fault, messageOf, UserError } from '../errors.ts'
import { type LoadedScenario, limits, type Payload, type Send } from '../scenario/scenario.ts'
import type { TlsSettings } from '../transports/transport.ts'
import { formatSize } from '../units.ts'

/** What a scenario takes from other files, read before the run and bounded. */
export interface Materials {
  /** Payload files, by their name in the scenario. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The rows of the data file, by column. */
  readonly rows: readonly Readonly<Record<string, string>>[]
  readonly tls?: TlsSettings
}

/** Reads every file a scenario names; a UserError lists all that cannot be read or are too large. */
export async function readMaterials({ scenario, folder }: LoadedScenario): Promise<Materials> {
  const faults: Fault[] = []
  async function read(path: string, place: string, bytesMax: number): Promise<Uint8Array> {
    const full = resolve(folder, path)
    try {
      const { size } = await stat(full)
      if (size <= bytesMax) return await readFile(full)
      faults.push({ place, message: `${full} has ${formatSize(size)}; at most ${formatSize(bytesMax)} are taken` })
    } catch (error) {
      faults.push({ place, message: `cannot read ${full}: ${messageOf(error)}` })
    }
    return new Uint8Array(0)
  }

  const files = new Map<string, Uint8Array>()
  for (const path of payloadFiles(scenario)) files.set(path, await read(path, 'file', limits.payloadBytesMax))
  const data = scenario.data && (await read(scenario.data.file, 'data.file', limits.dataBytesMax))
  const rows = data && faults.length === 0 ? parseRows(data, scenario.data.file, faults) : []
  let tls: TlsSettings | undefined
  if (scenario.tls) {
    const { ca, cert, key, ...rest } = scenario.tls
    const pem = async (path: string | undefined, place: string) =>
      path === undefined ? undefined : Buffer.from(await read(path, `tls.${place}`, limits.scenarioBytesMax)).toString()
    const texts = { ca: await pem(ca, 'ca'), cert: await pem(cert, 'cert'), key: await pem(key, 'key') }
    tls = { ...rest, ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)) }
  }
  if (faults.length > 0) throw new UserError(faults)
  return { files, rows, ...(tls === undefined ? {} : { tls }) }
}

function parseRows(data: Uint8Array, file: string, faults: Fault[]): Record<string, string>[] {
  try {
    const rows = parse(data, { columns: true, bom: true, skip_empty_lines: true, to: limits.dataRowsMax + 1 })
    if (rows.length === 0) faults.push({ place: 'data.file', message: `${file} has no rows below its header` })
    if (rows.length > limits.dataRowsMax) {
      faults.push({ place: 'data.file', message: `${file} has more than ${limits.dataRowsMax} rows` })
    }
    return rows as Record<string, string>[]
  } catch (error) {
    faults.push({ place: 'data.file', message: `${file} is no CSV with a header line: ${messageOf(error)}` })
    return []
  }
}

function payloadFiles({ loop = [], mix = [], connect, heartbeat }: LoadedScenario['scenario']): Set<string> {
  const sends: Send[] = [...loop, ...mix, ...connect].map(step => step.send)
  if (heartbeat) sends.push(heartbeat.send)
  const expected = [...loop, ...mix, ...connect].flatMap(step =>
    typeof step.expect === 'object' ? [step.expect.equals, step.expect.body] : [],
  )
  const payloads = [...sends.map(send => (typeof send === 'object' && 'body' in send ? send.body : send)), ...expected]
  const names = payloads.map(payload => (isFile(payload) ? payload.file : undefined))
  return new Set(names.filter(name => name !== undefined))
}

function isFile(payload: unknown): payload is Extract<Payload, { file: string }> {
  return typeof payload === 'object' && payload !== null && 'file' in payload
}
