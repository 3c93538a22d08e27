import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseScenario } from '../scenario/load.ts'
import { IssuesError, showPath } from '../scenario/path.ts'
import { readMaterials } from './materials.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volley-'))
  await writeFile(join(folder, 'body.bin'), 'abc')
  await writeFile(join(folder, 'empty.csv'), 'name\n')
})
afterAll(() => rm(folder, { recursive: true }))

const withLines = (lines: string) =>
  parseScenario(`name: x\ntarget: { address: "tls://h:1" }\nprotocol: tlv\n${lines}`, join(folder, 's.yaml'), [], {})

/** The issues with the files of a scenario, by the place that names them. */
async function issuesWith(lines: string): Promise<[string, string][]> {
  const error = await readMaterials(withLines(lines)).catch((error: unknown) => error)
  if (!(error instanceof IssuesError)) throw error
  return error.issues.map(({ path, message }) => [showPath(path), message.replaceAll(folder, '<folder>')])
}

test('readMaterials() reads each file once, however often it is named', async () => {
  const { files } = await readMaterials(
    withLines(
      `loop: [{ send: { type: 1, body: { file: body.bin } }, expect: { equals: { file: body.bin } } }, { send: { file: body.bin } }]`,
    ),
  )
  expect([...files]).toEqual([['body.bin', Buffer.from('abc')]])
})

test('readMaterials() lists every file that cannot be read with the place that names it', async () => {
  const lines = `
loop:
  - send: { type: 1, body: { file: a.bin } }
    expect: { equals: { file: b.bin } }
  - send: { type: 1, body: { file: a.bin } }
connect: [{ send: { file: c.bin } }]
heartbeat: { every: 1s, send: { file: d.bin } }
data: { file: e.csv }
tls: { ca: . }
`
  expect(await issuesWith(lines)).toEqual([
    ['loop[0].send.body.file', 'cannot read "<folder>/a.bin": there is no such file or folder'],
    ['loop[0].expect.equals.file', 'cannot read "<folder>/b.bin": there is no such file or folder'],
    ['connect[0].send.file', 'cannot read "<folder>/c.bin": there is no such file or folder'],
    ['heartbeat.send.file', 'cannot read "<folder>/d.bin": there is no such file or folder'],
    ['data.file', 'cannot read "<folder>/e.csv": there is no such file or folder'],
    ['tls.ca', 'cannot read "<folder>": expected a file, got a folder'],
  ])
})

test('readMaterials() requires rows in a data file', async () => {
  expect(await issuesWith('loop: [{ send: "{{data.name}}" }]\ndata: { file: empty.csv }')).toEqual([
    ['data.file', '"empty.csv" has no rows below its header'],
  ])
})
