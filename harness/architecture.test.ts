import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from './built.ts'

/**
 * The folders that each folder may import from besides itself. `leaves` are the single files at the top of harness/,
 * none of which imports from a folder; `api`, the library's entry, is the one file there that is not a leaf.
 */
const allowed: Record<string, readonly string[]> = {
  leaves: [],
  terminal: ['leaves'],
  host: ['leaves'],
  protocols: ['leaves'],
  metrics: ['leaves'],
  transports: ['leaves'],
  scenario: ['leaves', 'protocols', 'transports'],
  audit: ['leaves', 'host', 'metrics', 'protocols', 'scenario'],
  // `live` uses only the interface of observers from `run`, and the table of a search from `report`.
  live: ['leaves', 'terminal', 'metrics', 'report', 'run'],
  plan: ['leaves', 'protocols', 'transports', 'metrics', 'scenario'],
  report: ['leaves', 'terminal', 'host', 'metrics', 'audit', 'scenario'],
  target: ['leaves', 'protocols', 'transports', 'scenario'],
  engine: ['leaves', 'protocols', 'transports', 'metrics', 'scenario', 'plan'],
  nullServer: ['leaves', 'protocols', 'transports', 'metrics', 'plan'],
  compare: ['leaves', 'terminal', 'metrics', 'report'],
  torture: ['leaves', 'terminal', 'host', 'protocols', 'transports', 'scenario', 'plan', 'target', 'engine'],
  run: [
    'leaves',
    'host',
    'protocols',
    'transports',
    'metrics',
    'audit',
    'scenario',
    'plan',
    'report',
    'target',
    'engine',
    'nullServer',
  ],
  api: ['leaves', 'metrics', 'audit', 'scenario', 'report', 'run', 'compare'],
  cli: [
    'leaves',
    'api',
    'terminal',
    'host',
    'protocols',
    'transports',
    'scenario',
    'live',
    'report',
    'compare',
    'target',
    'engine',
    'torture',
    'run',
  ],
  targets: ['leaves', 'protocols'],
}

/** The same within targets/, where every folder may build on `server`. */
const allowedInTargets: Record<string, readonly string[]> = {
  server: [],
  services: ['server'],
  pool: ['server'],
  process: ['server'],
  relay: ['server'],
  cli: ['server', 'services', 'pool', 'relay', 'process'],
  main: ['cli'],
}

const linesMax = 400

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (entry.isDirectory()) return entry.name === 'testing' ? [] : sources(join(folder, entry.name))
    return entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts') ? [join(folder, entry.name)] : []
  })
}

function partsOf(file: string): string[] {
  return relative(packageRoot, file).split('/')
}

function folderOf(file: string): string {
  const [first, second, third] = partsOf(file)
  if (first === 'targets') return 'targets'
  if (third !== undefined) return second!
  return second === 'api.ts' ? 'api' : 'leaves'
}

function targetsFolderOf(file: string): string {
  const [, second, third] = partsOf(file)
  return third === undefined ? 'main' : second!
}

const files = [...sources(join(packageRoot, 'harness')), ...sources(join(packageRoot, 'targets'))]
const importsOf = new Map(
  files.map(file => {
    const found = readFileSync(file, 'utf8').matchAll(/(?:from|import)\(? ?'(\.[^']+)'/g)
    return [file, [...found].map(match => join(dirname(file), match[1]!))]
  }),
)

test('imports point downwards only', () => {
  const wrong = files.flatMap(file => {
    const folder = folderOf(file)
    return importsOf
      .get(file)!
      .map(folderOf)
      .filter(target => target !== folder && !allowed[folder]!.includes(target))
      .map(target => `${relative(packageRoot, file)} imports from ${target}`)
  })
  expect(wrong).toEqual([])
})

test('within targets/ too', () => {
  const wrong = files
    .filter(file => folderOf(file) === 'targets')
    .flatMap(file => {
      const folder = targetsFolderOf(file)
      return importsOf
        .get(file)!
        .filter(target => folderOf(target) === 'targets')
        .map(targetsFolderOf)
        .filter(target => target !== folder && !allowedInTargets[folder]!.includes(target))
        .map(target => `${relative(packageRoot, file)} imports from targets/${target}`)
    })
  expect(wrong).toEqual([])
})

test('no file imports itself through others', () => {
  const done = new Set<string>()
  const circles: string[] = []
  function visit(file: string, way: readonly string[]): void {
    const from = way.indexOf(file)
    if (from >= 0) circles.push([...way.slice(from), file].map(name => relative(packageRoot, name)).join(' > '))
    if (from >= 0 || done.has(file)) return
    for (const target of importsOf.get(file) ?? []) visit(target, [...way, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  expect(circles).toEqual([])
})

test('the map in ARCHITECTURE.md names every folder', () => {
  const map = readFileSync(join(packageRoot, 'ARCHITECTURE.md'), 'utf8')
  const folders = [...new Set(files.map(file => relative(packageRoot, dirname(file))))]
  expect(folders.filter(folder => !map.includes(`\`${folder}/\``))).toEqual([])
})

test('nothing imports from the benchmarks', () => {
  const wrong = files.filter(file => /from '[./]+\/bench\//.test(readFileSync(file, 'utf8')))
  expect(wrong).toEqual([])
})

test('no file has more than 400 lines', () => {
  const long = files.map(file => [relative(packageRoot, file), readFileSync(file, 'utf8').split('\n').length] as const)
  expect(long.filter(([, lines]) => lines > linesMax)).toEqual([])
})

test('there are no files that only re-export', () => {
  expect(files.filter(file => file.endsWith('/index.ts'))).toEqual([])
})
