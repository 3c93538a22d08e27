import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { protocolNames } from '../protocols/spec.ts'
import { trials } from '../torture/catalog.ts'
import { cleanUp, temporaryFolder, volley } from './testing/volley.ts'

afterEach(cleanUp)

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout } = await volley('completion', shell)
  expect(code).toBe(0)
  return stdout
}

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['-c', 'true']).status === 0
}

describe('volley completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const installed = isInstalled(shell)
    if (!installed) console.log(`skipped: ${shell} does not check its completion, as it is not installed here`)
    test.skipIf(!installed)(`${shell} accepts its script`, async () => {
      const checked = spawnSync(shell, ['-n'], { input: await scriptFor(shell), encoding: 'utf8' })
      expect(checked).toMatchObject({ status: 0, stderr: '' })
    })
  }

  test.each(['bash', 'zsh', 'fish'])('the script of %s has every command and the flags of run', async shell => {
    const script = await scriptFor(shell)
    const { stdout: help } = await volley('--help')
    const commands = [...help.split('Commands:')[1]!.matchAll(/^ {2}([a-z]+) /gm)].map(match => match[1]!)
    expect(commands.length).toBeGreaterThan(8)
    const { stdout: runHelp } = await volley('run', '--help')
    const flags = [...runHelp.matchAll(/--([a-z-]+)/g)].map(match => match[1]!).filter(flag => flag !== 'set')
    for (const word of [...commands.filter(name => name !== 'help'), ...flags, ...protocolNames]) {
      expect(script).toContain(word)
    }
  })

  test('describes each flag by what it is, and not by what it is for', async () => {
    const script = await scriptFor('fish')
    const texts = new Map(
      [...script.matchAll(/__fish_seen_subcommand_from run;.* -l (\S+) .*-d '((?:[^'\\]|\\.)*)'$/gm)].map(match => [
        match[1]!,
        match[2]!,
      ]),
    )
    expect(Object.fromEntries(texts)).toMatchObject({
      header: 'a header for HTTP URLs',
      method: 'the method for HTTP URLs',
      body: 'the body of the request for HTTP URLs',
      insecure: 'accept any certificate',
      protocol: 'the protocol',
      transport: 'the transport',
      out: "the folder of the run\\'s files",
    })
    for (const text of texts.values()) expect(text).not.toMatch(/^(HTTP URLs|TLS|a name|auto)$|\($/)
  })

  test('names the shells when it does not know one', async () => {
    const { code, stderr } = await volley('completion', 'bsh')
    expect(code).toBe(2)
    expect(stderr).toContain('unknown shell "bsh"; did you mean "bash"?')
    expect((await volley('completion', 'constructor')).code).toBe(2)
  })
})

const hasBash = isInstalled('bash')
if (!hasBash) console.log('skipped: completing in bash, which is not installed here')

describe.skipIf(!hasBash)('completing in bash', () => {
  /** What bash offers for the last word of a command line. */
  async function completed(line: string): Promise<string[]> {
    const folder = temporaryFolder()
    for (const file of ['mine.yaml', 'more.yml', 'my file.yaml', 'notes.txt']) writeFileSync(join(folder, file), '')
    mkdirSync(join(folder, 'scenarios'))
    const words = line.split(' ')
    const ask = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _volley; printf '%s\\n' "\${COMPREPLY[@]}"`
    const script = `${await scriptFor('bash')}\n${ask}`
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words], { cwd: folder, encoding: 'utf8' })
    expect(stderr).toBe('')
    return [...new Set(stdout.split('\n').filter(Boolean))].sort()
  }

  test.each<[string, readonly string[]]>([
    ['volley ru', ['run']],
    ['volley re', ['report']],
    ['volley run m', ['mine.yaml', 'more.yml', 'my file.yaml']],
    ['volley run mine.yaml s', ['scenarios']],
    ['volley m', ['mine.yaml', 'more.yml', 'my file.yaml']],
    ['volley validate mi', ['mine.yaml']],
    ['volley run --conn', ['--connections']],
    ['volley mine.yaml --conn', ['--connections']],
    ['volley --conn', ['--connections']],
    ['volley run mine.yaml --protocol t', ['tlv']],
    ['volley init l', ['line']],
    ['volley run --transport e', ['epoll']],
    ['volley compare --fail', ['--fail-if']],
    ['volley report n', ['notes.txt']],
    ['volley talk m', ['mine.yaml', 'more.yml', 'my file.yaml']],
    ['volley serve t', ['tlv']],
    ['volley serve tlv --deta', ['--detach']],
    ['volley completion z', ['zsh']],
    ['volley run -c 1', []],
  ])('%s', async (line, words) => {
    expect(await completed(line)).toEqual(words)
  })

  test('volley torture --only offers the trials', async () => {
    expect(await completed('volley torture --only ')).toEqual(trials.map(({ name }) => name).sort())
  })
})
