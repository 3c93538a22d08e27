import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { coresOver, finished } from './client.ts'
import { commandLine, Processes } from './processes.ts'

const lifeMs = 10_000
const processes = new Processes()
afterEach(() => processes.endAll())

function script(text: string) {
  return { program: process.execPath, args: ['-e', text] }
}

/** Whether a process exists, of this user or another. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + lifeMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`the condition did not hold within ${lifeMs} ms`)
    await sleep(10)
  }
}

describe('commandLine()', () => {
  it('is the command as typed in a shell', () => {
    const args = ['-d', '2s', "it's", '', 'loop=[{send: x}]']
    expect(commandLine({ program: 'wrk', args, cores: '0' })).toBe(
      "taskset -c 0 wrk -d 2s 'it'\\''s' '' 'loop=[{send: x}]'",
    )
  })
})

describe('Processes', () => {
  it('has the output of a program and how it ended', async () => {
    const child = processes.start(script('console.log("out"); console.error("err"); process.exit(3)'), { lifeMs })
    expect(await child.ended).toBe(3)
    expect([child.stdout(), child.stderr(), child.hasEnded()]).toEqual(['out\n', 'err\n', true])
  })

  it('reports a program that does not exist', async () => {
    const child = processes.start({ program: '/no/such/program', args: [] }, { lifeMs })
    expect(await child.ended).toContain('ENOENT')
  })

  it('kills a program after its time, and one that ignores SIGTERM', async () => {
    const forever = 'setInterval(() => {}, 1000)'
    expect(await processes.start(script(forever), { lifeMs: 50 }).ended).toBe('ended by SIGKILL')
    const stubborn = processes.start(script(`process.on("SIGTERM", () => {}); console.log("up"); ${forever}`), {
      lifeMs,
    })
    await until(() => stubborn.stdout() !== '')
    await stubborn.stop()
    expect(isThere(stubborn.pid)).toBe(false)
  })

  it('hides variables from a program that would change how volley runs', async () => {
    process.env['VOLLEY_CONNECTIONS'] = '3'
    const child = processes.start(script('console.log(process.env.VOLLEY_CONNECTIONS)'), { lifeMs })
    await child.ended
    delete process.env['VOLLEY_CONNECTIONS']
    expect(child.stdout()).toBe('undefined\n')
  })

  it('ends a supervised server with its supervisor', async () => {
    const child = processes.supervise(script('console.error(process.pid); setInterval(() => {}, 1000)'))
    await until(() => child.stderr().includes('\n'))
    const server = Number(child.stderr())
    expect(isThere(server)).toBe(true)
    processes.endAll()
    await child.ended
    await until(() => !isThere(server))
  })
})

describe('finished()', () => {
  it('throws with the output of a failed program', async () => {
    const failing = () => processes.start(script('console.error("no\\nway"); process.exit(2)'), { lifeMs })
    await expect(finished(failing())).rejects.toThrow('no way (exit code 2)')
    await expect(finished(failing(), [0, 2])).resolves.toBeUndefined()
  })
})

describe('coresOver()', () => {
  it('is higher for a program that computes than for one that waits', async () => {
    const busy = processes.start(script('console.log("up"); setImmediate(() => { for (;;); })'), { lifeMs })
    const idle = processes.start(script('console.log("up"); setInterval(() => {}, 1000)'), { lifeMs })
    // Starting up takes CPU too, and on a busy machine the waiting program may be the one that starts last.
    await until(() => busy.stdout() !== '' && idle.stdout() !== '')
    const window = { leadMs: 300, lengthMs: 1000 }
    const [more, less] = await Promise.all([coresOver(busy, window), coresOver(idle, window)])
    await Promise.all([busy.stop(), idle.stop()])
    expect(more!).toBeGreaterThan(less!)
  })

  it('is undefined for a program that ended before the window', async () => {
    const child = processes.start(script(''), { lifeMs })
    expect(await coresOver(child, { leadMs: 5000, lengthMs: 100 })).toBeUndefined()
  })
})
