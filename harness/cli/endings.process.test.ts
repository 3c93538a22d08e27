import { afterEach, expect, test } from 'vitest'
import { readReport } from '../report/save.ts'
import { cleanUp, listen, spawnVolley, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

const lines = ['--protocol', 'line', '--send', 'hi', '-c', '1']
const unreachable = ['--set', 'thresholds=["throughput > 100M/s"]']

test('a reader that closes its pipe, of both streams, changes neither the run nor its exit code', async () => {
  const { url } = await listen(socket => socket.pipe(socket))
  const out = temporaryFolder()
  const first = spawnVolley(['run', url, ...lines, '-d', '1500ms', '--warmup', '0s', ...unreachable, '--out', out])
  await first.says(' over tcp://')
  for (const stream of ['stdout', 'stderr'] as const) first.process[stream]!.destroy()
  expect((await first.ended).code).toBe(1)
  expect((await readReport(out)).interrupted).toBe(false)
})
