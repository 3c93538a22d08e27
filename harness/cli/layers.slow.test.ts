import { afterEach, expect, test } from 'vitest'
import { expectNoReply, expectServedInLayers, layeredScenario, runWithKey } from './testing/layers.ts'
import { cleanUp } from './testing/volley.ts'

afterEach(cleanUp)

const short = ['-d', '300ms', '--warmup', '0s']

test('volley run passes its layers to the rpc server it starts', async () => {
  const ended = await runWithKey(layeredScenario('{ serve: rpc }', 'rpc'), ...short)
  expectServedInLayers(ended, 'rpc')
  expect(ended.report.totals.completed).toBeGreaterThan(0)
})

test('volley run passes its layers and the key of the handshake within them', async () => {
  const text = layeredScenario('{ serve: tlv, options: { key: k } }', 'tlv', 'key: k\n')
  const { code, report } = await runWithKey(text, ...short)
  expect(code).toBe(0)
  expect(report.totals).toMatchObject({ failures: {}, handshakes: { sent: 8, completed: 8 } })
  expect(report.totals.completed).toBeGreaterThan(0)
})

test('volley run gets no reply from a server whose options have another key, which counts no request', async () => {
  const text = layeredScenario('{ serve: tlv, options: { layerKey: another } }')
  const ended = await runWithKey(text, ...short, '--set', 'reconnect.backoff=20ms..50ms')
  expectNoReply(ended)
  expect(ended.report.server?.requests).toBe(0)
})
