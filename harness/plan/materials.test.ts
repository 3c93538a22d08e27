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

test('readMaterials() refuses a data file that is not UTF-8, with the line and the byte', async () => {
  await writeFile(join(folder, 'latin1.csv'), Buffer.from('name\nab\ncaf\xe9\n', 'latin1'))
  await writeFile(join(folder, 'big-endian.csv'), Buffer.from('\ufeffname\nab\n', 'utf16le').swap16())
  const lines = (name: string) => `loop: [{ send: "{{data.name}}" }]\ndata: { file: ${name} }`
  expect(await issuesWith(lines('latin1.csv'))).toEqual([
    ['data.file', '"latin1.csv" is not UTF-8 text: byte 0xe9 in line 3; save it as UTF-8'],
  ])
  expect(await issuesWith(lines('big-endian.csv'))).toEqual([
    ['data.file', '"big-endian.csv" is not UTF-8 text: byte 0xfe in line 1; save it as UTF-8'],
  ])
})

test.each([
  ['UTF-8', 'utf8'],
  ['UTF-16 with its mark', 'utf16le'],
] as const)('readMaterials() reads a data file in %s', async (_what, encoding) => {
  await writeFile(join(folder, 'good.csv'), Buffer.from('\ufeffname\ncaf\u00e9\n', encoding))
  const { rows } = await readMaterials(withLines('loop: [{ send: "{{data.name}}" }]\ndata: { file: good.csv }'))
  expect(rows).toEqual([{ name: 'caf\u00e9' }])
})

test('readMaterials() refuses a column that stands twice, though not columns without a name', async () => {
  await writeFile(join(folder, 'twice.csv'), 'a,b,a,,\n1,2,3,,\n')
  expect(await issuesWith('loop: [{ send: "{{data.a}}" }]\ndata: { file: twice.csv }')).toEqual([
    ['data.file', '"twice.csv" has the column "a" more than once'],
  ])
})

test('readMaterials() refuses certificates and keys that are not PEM', async () => {
  await writeFile(join(folder, 'key.der'), Buffer.of(0x30, 0x82, 0xff, 0xfe))
  expect(await issuesWith('loop: [{ send: a }]\ntls: { cert: body.bin, key: key.der }')).toEqual([
    ['tls.cert', '"body.bin" is not PEM: it has no line that begins with "-----BEGIN "'],
    ['tls.key', '"key.der" is not PEM: it has no line that begins with "-----BEGIN "'],
  ])
})
