import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { childrenOf, isRunning, until } from './testing/programs.ts'
import { cleanUp, cleanUpWith, listen, scenarioFile, spawnRun, spawnVolley, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

const echo = () => listen(socket => socket.pipe(socket))
const lines = ['--protocol', 'line', '--send', 'hi', '-c', '1']

/** Runs a command line of the shell in which $VOLLEY is the program; its exit code and what it printed. */
async function shell(command: string, folder = temporaryFolder()) {
  const env = { ...process.env, VOLLEY: `${process.execPath} ${builtFile('harness/cli/main')}` }
  const child = spawn('bash', ['-c', command], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  cleanUpWith(() => child.kill('SIGKILL'))
  const printed = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', chunk => {
      printed[name] += chunk
    })
  }
  const [code] = await once(child, 'close')
  return { code, ...printed }
}

describe('a reader that closes its pipe', () => {
  test('does not end a torture before its verdict', async () => {
    const broken = await listen(socket => socket.on('data', () => socket.write('wrong\n')))
    const started = spawnVolley([
      'torture',
      broken.url,
      '--protocol',
      'line',
      '--only',
      'glued,split',
      '--timeout',
      '100ms',
    ])
    started.process.stderr!.destroy()
    started.process.stdout!.destroy()
    expect((await started.ended).code).toBe(1)
  })

  test('ends a server with the next line that it prints', async () => {
    const server = spawnVolley(['serve', 'echo', '--listen', '127.0.0.1:0'])
    await server.says('listening on ')
    const [child] = childrenOf(server.process.pid!)
    const url = `tcp://${/listening on (\S+)/.exec(server.stdout)![1]}`
    server.process.stdout!.destroy()
    // A connection, so that there is something to print each second.
    const talk = startTalk(url)
    expect(await server.ended).toMatchObject({ code: 0, stderr: '' })
    talk.kill('SIGKILL')
    expect(isRunning(child!)).toBe(false)
  })

  test('ends a conversation', async () => {
    const { url } = await echo()
    const talk = startTalk(url)
    talk.stdin!.write('one\n')
    await once(talk.stdout!, 'data')
    talk.stdout!.destroy()
    talk.stdin!.on('error', () => {})
    talk.stdin!.write('two\n')
    expect(await once(talk, 'exit')).toEqual([0, null])
  })
})

function startTalk(url: string): ChildProcess {
  const main = builtFile('harness/cli/main')
  const talk = spawn(process.execPath, [main, 'talk', url, '--protocol', 'line'], { stdio: ['pipe', 'pipe', 'ignore'] })
  cleanUpWith(() => talk.kill('SIGKILL'))
  return talk
}

test('a pipe to volley talk is sent byte by byte, UTF-8 or not', async () => {
  const { url } = await echo()
  const { stdout } = await shell(`printf 'caf\\xe9\\ncaf\\xc3\\xa9\\n' | $VOLLEY talk ${url} --protocol line`)
  expect(stdout).toBe('hex 636166e9\ncafé\n')
})

describe.runIf(process.platform === 'linux')('what goes wrong outside of a run is one line and exit 2', () => {
  test('a full disk below stdout', async () => {
    const { url } = await echo()
    const out = temporaryFolder()
    const ended = await shell(`$VOLLEY run ${url} ${lines.join(' ')} -n 20 --quiet --out ${out} > /dev/full`)
    expect(ended).toEqual({ code: 2, stdout: '', stderr: 'volley: cannot write to stdout: no space left\n' })
    expect(existsSync(join(out, 'report.json'))).toBe(true)
  })

  test('a full disk below stderr is no matter', async () => {
    const { url } = await echo()
    const { code, stdout } = await shell(`$VOLLEY run ${url} ${lines.join(' ')} -n 20 2> /dev/full`)
    expect(stdout).toContain('20 completed')
    expect(code).toBe(0)
  })

  test('too few file descriptors to load the program', async () => {
    const { code, stdout, stderr } = await shell('ulimit -n 64; $VOLLEY list')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /^volley needs \d+ file descriptors, and this process may have 64 open\n {2}.*ulimit -n.*\n$/,
    )
  })

  test('a current folder that has been removed', async () => {
    const { code, stderr } = await shell('mkdir gone; cd gone; rmdir ../gone; $VOLLEY run tcp://127.0.0.1:1')
    expect(stderr).toBe('volley: the current folder does not exist any more\n')
    expect(code).toBe(2)
  })

  test('an argument that is not UTF-8', async () => {
    const { code, stderr } = await shell("$VOLLEY run tcp://127.0.0.1:1 --send $'caf\\xe9'")
    expect(stderr).toContain('expected UTF-8 text, got byte 0xe9')
    expect(code).toBe(2)
  })
})

test('SIGHUP ends a run as Ctrl-C does', async () => {
  const file = scenarioFile('name: long\ntarget: { serve: echo }\nprotocol: line\nloop: [{ send: hi, think: 5ms }]\n')
  const { volley, ended } = spawnRun([file, '-d', '20s'])
  await volley.says(' over tcp://')
  const children = childrenOf(volley.process.pid!)
  expect(children).toHaveLength(1)
  volley.process.kill('SIGHUP')
  const { code, stdout, report } = await ended()
  expect(code).toBe(130)
  expect(stdout).toContain('interrupted')
  expect(report.interrupted).toBe(true)
  await until('the end of the server', () => !children.some(isRunning))
})
