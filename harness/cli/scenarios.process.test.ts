import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type LoadedScenario, load, override, prepare, run } from '../api.ts'
import { protocolText } from '../protocols/spec.ts'
import { skipWithout } from './testing/programs.ts'
import { type ReferenceServer, referenceServer } from './testing/referenceServer.ts'
import { expectSound, isLossy, scenarioFiles, scenariosFolder } from './testing/shippedScenarios.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(cleanUp)

/** Settings of the scenarios that do not simply send 200 requests. */
const shorter: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  'once.yaml': [],
  'sticky-packets.yaml': [],
  // Its round trips take 75 ms.
  'remote-echo.yaml': [['requests', 50]],
  'many-connections.yaml': [
    ['connections', 200],
    ['requests', 200],
  ],
}

/**
 * The server that a scenario starts, in this process: it takes half a second to start another one. Undefined where only a
 * process will do: a relay, a reload, a command.
 */
async function serverOf({ scenario: { target, protocol } }: LoadedScenario): Promise<ReferenceServer | undefined> {
  if (!('serve' in target) || target.relay !== undefined || 'reloadEvery' in target.options) return undefined
  const { serve, options, over } = target
  const texts = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]))
  const listen = over === 'udp' ? 'udp://127.0.0.1:0' : '127.0.0.1:0'
  const speaks = serve === 'echo' || serve === protocol.name
  return referenceServer(serve, { ...(speaks && { protocol: protocolText(protocol) }), ...texts, listen })
}

/** One of each kind of target and load. Every scenario runs on both transports, for longer, in scenarios.slow.test.ts. */
const representative = ['rpc-handshake.yaml', 'tlv-key.yaml', 'udp-echo.yaml']

test.for(scenarioFiles)('%s loads, and its requests are encoded', async file => {
  const loaded = await load(join(scenariosFolder, file), { variables: {} })
  const { bank } = await prepare(loaded)
  expect(bank.frames.length).toBeGreaterThan(0)
})

test.for(representative)('%s runs without a failure, and every request is accounted for', async (file, { skip }) => {
  if (file.startsWith('redis')) skipWithout('redis-server', '--version', 'redis-server', skip)
  const settings = shorter[file] ?? [['requests', 200]]
  const overrides = [...settings, ...(isLossy(file) ? [['thresholds', []] as const] : [])]
  const options = { overrides: overrides.map(([path, value]) => override(path, value)) }
  const shipped = await load(join(scenariosFolder, file), options)
  const ownServer = await serverOf(shipped)
  const target = ownServer && override('target', { address: ownServer.url })
  const loaded = await load(join(scenariosFolder, file), {
    overrides: [...options.overrides, ...(target ? [target] : [])],
  })
  const report = await run(loaded, { ceiling: 'never' })
  expect(report.error).toBeUndefined()
  const { totals, server } = report
  const lost = expectSound(report, file)
  expect(totals.completed).toBe(totals.sent - lost)
  expect(report.thresholds.filter(({ ok }) => !ok)).toEqual([])
  const isReference = 'serve' in shipped.scenario.target
  if (!isReference || isLossy(file)) return
  await ownServer?.stop()
  const requests = ownServer?.requests() ?? server?.requests
  expect(requests).toBe(totals.completed + totals.inFlightAtEnd + totals.handshakes.sent)
})
