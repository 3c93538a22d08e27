import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { describeEnvironment } from '../host/processes.ts'
import { planRun } from '../plan/plan.ts'
import { parseScenario } from '../scenario/load.ts'
import { chooseTransport } from '../transports/catalog.ts'
import type { Address } from '../transports/transport.ts'
import { type CeilingInputs, measureCeiling } from './ceiling.ts'
import { prepareScenario } from './prepare.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'volley-'))
  folders.push(folder)
  return folder
}

const tcp: Address = { scheme: 'tcp', host: '192.0.2.1', port: 7 }

/** The inputs after a run; the address of its target is never connected to. */
async function inputsOf(yaml: string, address: Address = tcp, workers = 1): Promise<CeilingInputs> {
  const text = `name: ceiling\ntarget: { address: "tcp://192.0.2.1:7" }\nconnections: 4\n${yaml}\n`
  const loaded = parseScenario(text, 'ceiling.yaml', [], {})
  const { protocol, bank, seed } = await prepareScenario(loaded)
  const { name: transport } = chooseTransport('auto', address)
  const pair = { sent: 0, completed: 0 }
  return {
    loaded,
    plan: planRun(loaded.scenario, { address, protocol, bank, transport, seed, workers }),
    bank,
    environment: { ...describeEnvironment(), cores: 4 },
    shownPerSecond: 0,
    totals: {
      sent: 1000,
      completed: 1000,
      failed: 0,
      inFlightAtEnd: 0,
      bytesSent: 10_000,
      bytesReceived: 100_000,
      failures: {},
      connects: 4,
      handshakes: pair,
      heartbeats: pair,
    },
    options: { signal: new AbortController().signal, times: { warmupMs: 50, measuredMs: 100 } },
  }
}

const line = 'protocol: line\nloop: [{ send: hello }]'

test('measureCeiling() caches what it has measured, and does not measure it again', async () => {
  const cacheFolder = newFolder()
  const inputs = await inputsOf(line, tcp, 2)
  const options = { ...inputs.options, cacheFolder }
  const first = await measureCeiling({ ...inputs, options })
  expect(first).toMatchObject({ cached: false })
  expect(first!.nullPerSecond).toBeGreaterThan(0)
  expect(await measureCeiling({ ...inputs, options })).toEqual({ ...first, cached: true })
  // The run's own rate is above the cached figure.
  const shownPerSecond = first!.nullPerSecond + 1
  expect(await measureCeiling({ ...inputs, shownPerSecond, options })).toMatchObject({ cached: false })
  // Another plan has its own figure.
  const file = join(cacheFolder, 'ceilings.json')
  const kept = () => Object.keys(JSON.parse(readFileSync(file, 'utf8')).ceilings)
  expect(kept()).toHaveLength(1)
  const other = await inputsOf(`${line}\nload: { pipeline: 2 }`)
  expect(await measureCeiling({ ...other, options })).toMatchObject({ cached: false })
  expect(kept()).toHaveLength(2)
})

test.each([
  [
    'a handshake is left out',
    'protocol: line\nconnect: [{ send: hi, expect: { equals: there } }]\nloop: [{ send: a }]',
    tcp,
  ],
  ['an expectation need not hold', 'protocol: tlv\nloop: [{ send: { type: 1 }, expect: { type: 2 } }]', tcp],
  ['requests differ', 'protocol: resp\nmix: [{ send: "GET {{seq}}", weight: 2 }, { send: PING, weight: 1 }]', tcp],
  ['ids come back', 'protocol: rpc\nload: { pipeline: 8 }\nloop: [{ send: hello, expect: echo }]', tcp],
  ['the target listens on a unix socket', line, { scheme: 'unix', path: '/no/such/socket' }],
] as const)('measureCeiling() has a figure when %s', async (_, yaml, address) => {
  const ceiling = await measureCeiling(await inputsOf(yaml, address))
  expect(ceiling?.nullPerSecond).toBeGreaterThan(0)
  expect(ceiling?.cached).toBe(false)
})

test('measureCeiling() has no figure where there is no null server, or it is interrupted', async () => {
  const cacheFolder = newFolder()
  const tls = await inputsOf(line, { scheme: 'tls', host: '192.0.2.1', port: 7 })
  expect(await measureCeiling({ ...tls, options: { ...tls.options, cacheFolder } })).toBeUndefined()
  const crowded = await inputsOf(line, tcp, 3)
  expect(await measureCeiling({ ...crowded, options: { ...crowded.options, cacheFolder } })).toBeUndefined()
  const mixed = await inputsOf('protocol: { raw: { reply: { bytes: 3 } } }\nloop: [{ send: a }, { send: ab }]')
  expect(await measureCeiling({ ...mixed, options: { ...mixed.options, cacheFolder } })).toBeUndefined()
  const plain = await inputsOf(line)
  expect(
    await measureCeiling({ ...plain, options: { ...plain.options, signal: AbortSignal.abort(), cacheFolder } }),
  ).toBeUndefined()
  const later = { signal: AbortSignal.timeout(400), times: { warmupMs: 300, measuredMs: 500 }, cacheFolder }
  expect(await measureCeiling({ ...plain, options: later })).toBeUndefined()
  expect(existsSync(join(cacheFolder, 'ceilings.json'))).toBe(false)
})

test('measureCeiling() measures again when its cache cannot be read or written', async () => {
  const folder = newFolder()
  const blocked = join(folder, 'file')
  writeFileSync(blocked, '')
  const inputs = await inputsOf(line)
  for (const cacheFolder of [blocked, join(blocked, 'below')]) {
    const ceiling = await measureCeiling({ ...inputs, options: { ...inputs.options, cacheFolder } })
    expect(ceiling).toMatchObject({ cached: false })
  }
})
