import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from './built.ts'

const programMsMax = 25_000
const folder = mkdtempSync(join(tmpdir(), 'volley-package-'))
const installed = join(folder, 'node_modules', 'volley')
const files: string[] = []

/** Runs a program in the folder; rejects, with what it has printed, when its exit code is not 0. */
async function runIn(cwd: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd, timeout: programMsMax })
  return stdout
}

/** The package as it would be published, unpacked where another project would have it installed, with its dependencies. */
beforeAll(async () => {
  const flags = ['--offline', '--no-update-notifier', '--ignore-scripts', '--json', '--pack-destination', folder]
  const packed = await runIn(packageRoot, 'npm', 'pack', ...flags)
  const [{ filename, files: list }] = JSON.parse(packed)
  files.push(...list.map((file: { path: string }) => file.path))
  mkdirSync(installed, { recursive: true })
  await runIn(folder, 'tar', '-xzf', filename, '-C', installed, '--strip-components', '1')
  const modules = join(packageRoot, 'node_modules')
  for (const name of readdirSync(modules).filter(name => !name.startsWith('.'))) {
    symlinkSync(join(modules, name), join(folder, 'node_modules', name))
  }
  writeFileSync(join(folder, 'package.json'), '{ "name": "another-project", "type": "module", "private": true }\n')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('the package has what it needs to run, and no tests', () => {
  const needed = ['dist/harness/api.js', 'dist/harness/api.d.ts', 'dist/harness/cli/main.js', 'dist/targets/main.js']
  const pages = ['docs/measurement.md', 'docs/protocols.md']
  const texts = [
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'protocols/mqtt.yaml',
    'scenarios/once.yaml',
    'scenarios/scenario.schema.json',
    ...pages,
  ]
  expect(files).toEqual(expect.arrayContaining([...needed, ...texts]))
  const others = files.filter(
    file => !/^(dist\/(harness|targets)|scenarios|protocols)\//.test(file) && !texts.includes(file),
  )
  expect(others).toEqual(['package.json'])
  expect(files.filter(file => /\.test\.|\/testing\//.test(file))).toEqual([])
})

test('its program runs, and a scenario against a server that comes with it', async () => {
  const { bin, version } = createRequire(import.meta.url)(join(installed, 'package.json'))
  const main = join(installed, bin.volley)
  expect(await runIn(folder, process.execPath, main, '--version')).toBe(`${version}\n`)
  const scenario = join(installed, 'scenarios', 'once.yaml')
  const flags = ['--json', '--quiet', '--out', join(folder, 'out')]
  const report = JSON.parse(await runIn(folder, process.execPath, main, 'run', scenario, ...flags))
  expect(report.totals).toMatchObject({ sent: 10, completed: 10 })
})

test('another program imports it and runs a scenario', async () => {
  const program = `import net from 'node:net'
import { load, override, run } from 'volley'
const server = net.createServer(socket => socket.pipe(socket)).listen(0, '127.0.0.1', async () => {
  const url = 'tcp://127.0.0.1:' + server.address().port
  const { totals } = await run(await load(url, { overrides: [override('requests', 50)] }))
  console.log(JSON.stringify(totals))
  process.exit()
})
`
  writeFileSync(join(folder, 'program.mjs'), program)
  const totals = JSON.parse(await runIn(folder, process.execPath, 'program.mjs'))
  expect(totals).toMatchObject({ sent: 50, completed: 50, failures: {} })
})

test('its types check a program in TypeScript, and refuse a wrong one', async () => {
  const program = (
    completed: string,
  ) => `import { type Observer, type Report, load, override, run, UserError } from 'volley'
const observer: Observer = { second: ({ interval, totals }) => console.log(interval.perSecond, totals.completed) }
try {
  const loaded = await load('scenario.yaml', { overrides: [override('load.pipeline', 4)] })
  const report: Report = await run(loaded, { observers: [observer], ceiling: 'never' })
  const completed: ${completed} = report.totals.completed
  console.log(completed)
} catch (error) {
  if (error instanceof UserError) console.log(error.faults[0]?.place)
}
`
  writeFileSync(join(folder, 'right.ts'), program('number'))
  writeFileSync(join(folder, 'wrong.ts'), program('string'))
  const compilerOptions = { strict: true, module: 'NodeNext', target: 'ES2023', types: ['node'], noEmit: true }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: false }, files: ['right.ts', 'wrong.ts'] }),
  )
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
  const { stdout } = await runIn(folder, process.execPath, compiler, '-p', '.').catch(error => error)
  expect(stdout).toMatch(/^wrong\.ts\(6,9\): error TS2322: .*\n$/)
})
