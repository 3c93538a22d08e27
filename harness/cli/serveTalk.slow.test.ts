import { afterEach, expect, test } from 'vitest'
import { cleanUp, spawnVolley } from './testing/volley.ts'

afterEach(cleanUp)

test('volley serve ends with exit 0 on SIGTERM, and volley talk sends its standard input', async () => {
  const server = spawnVolley(['serve', 'tlv', '--listen', '127.0.0.1:0'])
  await server.says('listening on')
  const url = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
  const talk = await spawnVolley(['talk', url, '--protocol', 'tlv'], { stdin: 'hello\n\n' }).ended
  expect(talk).toEqual({ code: 0, stdout: 'type 1  hello\n', stderr: '' })
  server.process.kill('SIGTERM')
  expect((await server.ended).code).toBe(0)
})
