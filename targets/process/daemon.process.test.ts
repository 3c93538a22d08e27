import { readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { processStart } from '../../harness/processStart.ts'
import { until } from '../testing/client.ts'
import { ask, setUpDaemons } from '../testing/daemonClients.ts'
import { isAlive } from './pidFile.ts'

// Each has processes of its own, and most of its time is waiting.
describe.concurrent('a server in the background', () => {
  test('a server goes to the background, has a status, and stops', async context => {
    const { daemons, connect } = setUpDaemons(context)
    const started = await daemons.start(['tlv', '--detach', '--listen', '127.0.0.1:0'])
    expect(started).toMatchObject({ code: 0, stderr: '' })
    const state = daemons.state()
    const port = state.address.split(':').at(-1)
    expect(started.stdout).toContain(`tlv listening on 127.0.0.1:${port}   1 process`)
    expect(daemons.pidFiles()).toEqual([join(daemons.path, 'volley', `tlv-${port}.pid`)])
    await ask(await connect())
    await until('a line', () => daemons.log().includes('connections 1'))
    const status = await daemons.run('status')
    expect(status).toMatchObject({ code: 0, stderr: '' })
    expect(status.stdout).toContain(`tlv on tcp://127.0.0.1:${port}   process ${state.pid}`)
    expect(status.stdout).toContain(`serving ${state.serving[0]}, finishing none`)
    const stopped = await daemons.start(['stop', `tlv-${port}`])
    expect(stopped).toMatchObject({ code: 0, stderr: '' })
    expect(isAlive(state)).toBe(false)
    expect(state.serving.map(processStart)).toEqual([undefined])
    expect(daemons.pidFiles()).toEqual([])
    expect(daemons.log()).toMatch(/stopped; 1 request in all, 13 bytes in, 13 bytes out\n$/)
    const again = await daemons.run('stop')
    expect(again.code).toBe(2)
    expect(again.stderr).toContain('no server runs in the background')
  })

  test('after a reload new processes take the new connections, and the old ones finish theirs', async context => {
    const { daemons, connect } = setUpDaemons(context)
    await daemons.start(['tlv', '-d', '--listen', '0', '--workers', '2', '--reload-timeout', '1h'])
    const before = daemons.state()
    const old = await connect()
    await ask(old)
    const [log] = daemons.files('.log')
    renameSync(log!, `${log}.1`)
    const reloaded = await daemons.run('reload')
    expect(reloaded).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(log!, 'utf8')).toContain('reloaded: 2 new, 2 old finishing')
    const after = daemons.state()
    expect(after).toMatchObject({ pid: before.pid, address: before.address, reloads: 1, isReloading: false })
    expect(after.serving).toHaveLength(2)
    expect(after.serving.some(pid => before.serving.includes(pid))).toBe(false)
    // The old process without a connection has exited, the other one still answers.
    await until('one old process', () => daemons.state().finishing.length === 1)
    await ask(old)
    const fresh = await connect()
    await ask(fresh)
    expect(old.ended).toBe(false)
    old.socket.end()
    await until('no old process', () => daemons.state().finishing.length === 0)
    expect(before.serving.map(processStart)).toEqual([undefined, undefined])
    await ask(fresh)
    expect((await daemons.run('stop', 'tlv')).code).toBe(0)
    expect(readFileSync(log!, 'utf8')).toContain('stopped; 4 requests in all, 52 bytes in, 52 bytes out')
  })
})
