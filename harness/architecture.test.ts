import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from './built.ts'

/** Which rooms a room may import from, itself left out. `leaves` are the single files at the top of harness/. */
const allowed: Record<string, readonly string[]> = {
  leaves: [],
  protocols: ['leaves'],
  transports: ['leaves'],
  metrics: ['leaves'],
  scenario: ['leaves', 'protocols', 'transports'],
  plan: ['leaves', 'protocols', 'transports', 'metrics', 'scenario'],
  engine: ['leaves', 'protocols', 'transports', 'metrics', 'scenario', 'plan'],
  live: ['leaves', 'metrics'],
  report: ['leaves', 'protocols', 'metrics', 'scenario'],
  compare: ['leaves', 'protocols', 'metrics', 'scenario', 'report'],
  run: ['leaves', 'protocols', 'transports', 'metrics', 'scenario', 'plan', 'engine', 'report'],
  torture: ['leaves', 'protocols', 'transports', 'metrics', 'engine'],
  cli: [
    'leaves',
    'protocols',
    'transports',
    'metrics',
    'scenario',
    'engine',
    'live',
    'report',
    'compare',
    'run',
    'torture',
  ],
  targets: ['leaves', 'protocols'],
}

const linesMax = 400

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (entry.isDirectory()) return entry.name === 'testing' ? [] : sources(join(folder, entry.name))
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [join(folder, entry.name)] : []
  })
}

function roomOf(file: string): string {
  const [first, second, third] = relative(packageRoot, file).split('/')
  if (first === 'targets') return 'targets'
  if (third !== undefined) return second!
  return second !== undefined && ['run.ts', 'search.ts', 'ceiling.ts', 'liveAudit.ts'].includes(second)
    ? 'run'
    : 'leaves'
}

const files = [...sources(join(packageRoot, 'harness')), ...sources(join(packageRoot, 'targets'))]

test('imports point downwards only', () => {
  const wrong = files.flatMap(file => {
    const room = roomOf(file)
    const imports = [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\(? ?'(\.[^']+)'/g)].map(match => match[1]!)
    return imports
      .map(path => roomOf(join(dirname(file), path)))
      .filter(target => target !== room && !allowed[room]!.includes(target))
      .map(target => `${relative(packageRoot, file)} imports from ${target}`)
  })
  expect(wrong).toEqual([])
})

test('nothing imports from the benchmarks', () => {
  const wrong = files.filter(file => /from '[./]+\/bench\//.test(readFileSync(file, 'utf8')))
  expect(wrong).toEqual([])
})

test('no file is longer than can be taken in', () => {
  const long = files.map(file => [relative(packageRoot, file), readFileSync(file, 'utf8').split('\n').length] as const)
  expect(long.filter(([, lines]) => lines > linesMax)).toEqual([])
})

test('there are no files that only hand on', () => {
  expect(files.filter(file => file.endsWith('/index.ts'))).toEqual([])
})
