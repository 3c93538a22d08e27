import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { processStart } from '../../harness/processStart.ts'
import { until } from '../testing/client.ts'
import { ask, message, setUpDaemons } from '../testing/daemonClients.ts'
import { isAlive } from './pidFile.ts'

// Each has processes of its own, and most of its time is waiting.
describe.concurrent('a server in the background', () => {
  test('a server in the background that cannot start says why in the foreground', async context => {
    const { daemons } = setUpDaemons(context)
    const pidFile = join(daemons.path, 'own.pid')
    const first = await daemons.start(['echo', '-d', '--listen', '0', '--pid-file', pidFile])
    expect(first.code).toBe(0)
    const { address, pid } = daemons.state()
    const [samePort, sameFile, noLog] = await Promise.all([
      daemons.start(['echo', '-d', '--listen', address]),
      daemons.start(['echo', '-d', '--listen', '0', '--pid-file', pidFile]),
      daemons.start(['echo', '-d', '--listen', '0', '--log-file', join(daemons.path, 'none', 'x.log')]),
    ])
    expect(samePort).toMatchObject({ code: 2, stderr: `cannot listen on ${address}: the port is in use\n` })
    expect(sameFile.code).toBe(2)
    expect(sameFile.stderr).toContain(
      `${pidFile} belongs to the echo server on ${address}, process ${pid}, which is running`,
    )
    expect(noLog.code).toBe(2)
    expect(noLog.stderr).toContain('cannot be written')
    expect(daemons.pidFiles()).toEqual([pidFile])
    expect((await daemons.run('stop', '--pid-file', pidFile)).code).toBe(0)
  })

  test('what its processes log goes to the log file, line by line with the time', async context => {
    const { daemons, connect } = setUpDaemons(context)
    await daemons.start(['tlv', '-d', '--listen', '0', '--quiet', '--log', 'connections,messages'])
    const client = await connect()
    for (let turn = 0; turn < 5; turn++) await ask(client)
    client.socket.end()
    await until('its end', () => daemons.log().includes('closed after'))
    expect((await daemons.run('stop')).code).toBe(0)
    const [title, ...lines] = daemons.log().trimEnd().split('\n')
    expect(title).toMatch(/^tlv listening on .* 1 process/)
    expect(lines.filter(line => !/^\d\d:\d\d:\d\d {2}\S/.test(line))).toEqual([])
    const counted = (part: RegExp) => lines.filter(line => part.test(line)).length
    expect(counted(/:\d\d {2}127\.0\.0\.1:\d+ {2}opened, 1 connection open$/)).toBe(1)
    expect(counted(/ {2}in {3}13 bytes {2}read \d {2}type 1 {2}"hello"$/)).toBe(5)
    expect(counted(/ {2}out {2}13 bytes {2}write \d {2}type 1 {2}"hello"$/)).toBe(5)
    expect(counted(/ in 5 messages, 65 bytes; out 5 messages, 65 bytes; 0 connections open$/)).toBe(1)
    expect(lines.at(-1)).toMatch(/ {2}stopped; 5 requests in all, 65 bytes in, 65 bytes out$/)
  })

  test('a pid file left by a killed server is replaced, and its processes have exited with it', async context => {
    const { daemons } = setUpDaemons(context)
    await daemons.start(['echo', '-d', '--listen', '0', '--workers', '2'])
    const killed = daemons.state()
    expect(killed.serving).toHaveLength(2)
    process.kill(killed.pid, 'SIGKILL')
    await until('the end of all processes', () => [killed.pid, ...killed.serving].every(pid => !processStart(pid)))
    const stop = await daemons.run('stop', '--pid-file', daemons.pidFiles()[0]!)
    expect(stop.code).toBe(2)
    expect(stop.stderr).toContain(`was left by process ${killed.pid}, which has exited`)
    expect((await daemons.start(['echo', '-d', '--listen', killed.address])).code).toBe(0)
    expect(daemons.log()).toContain(`was left by process ${killed.pid}, which has exited: it is replaced`)
    expect(daemons.state().pid).not.toBe(killed.pid)
  })

  test('only this user may be able to write to the folder of pid files', async context => {
    const { daemons } = setUpDaemons(context)
    const elsewhere = join(daemons.path, 'elsewhere')
    mkdirSync(elsewhere)
    symlinkSync(elsewhere, join(daemons.path, 'volley'))
    const { code, stderr } = await daemons.start(['echo', '-d', '--listen', '0'])
    expect(code).toBe(2)
    expect(stderr).toContain('is not a folder that only this user can write to; choose a file with --pid-file')
  })

  test('an old process closes its last connections gracefully when its time is over', async context => {
    const { daemons, connect } = setUpDaemons(context)
    await daemons.start(['tlv', '-d', '--listen', '0', '--reload-timeout', '300ms'])
    const [idle, busy] = [await connect(), await connect()]
    await ask(idle)
    expect((await daemons.run('reload')).code).toBe(0)
    while (!busy.ended && !idle.ended) await ask(busy)
    const { ended } = idle
    expect(ended).toBe(true)
    await until('no old process', () => daemons.state().finishing.length === 0)
  })

  test('a reload loads the program again; when that does not serve, the old processes continue', async context => {
    const { daemons, connect } = setUpDaemons(context)
    // Every process that the server starts runs this first.
    const hook = join(daemons.path, 'hook.mjs')
    writeFileSync(hook, '')
    const variables = { NODE_OPTIONS: `--import ${pathToFileURL(hook)}` }
    await daemons.start(['tlv', '-d', '--listen', '0'], variables)
    const before = daemons.state()
    const client = await connect()
    await ask(client)
    writeFileSync(hook, 'process.exit(7)')
    const failed = await daemons.run('reload')
    expect(failed.code).toBe(2)
    const cause = 'the server did not start: a worker exited with code 7'
    expect(failed.stderr).toContain(`has not reloaded and continues with its old processes: ${cause}`)
    expect(daemons.log()).toContain(`not reloaded: ${cause}`)
    expect(daemons.state()).toMatchObject({ serving: before.serving, finishing: [], reloads: 1, reloadError: cause })
    await ask(client)
    await ask(await connect())
    writeFileSync(hook, 'console.error("as good as new")')
    expect((await daemons.run('reload')).code).toBe(0)
    expect(daemons.log()).toContain('as good as new')
    expect(daemons.state().reloadError).toBeUndefined()
    await ask(await connect())
  })

  test('a unix path survives a reload and is removed with the server', async context => {
    const { daemons, connect } = setUpDaemons(context)
    const path = join(daemons.path, 's')
    await daemons.start(['tlv', '-d', '--listen', `unix:${path}`])
    const client = await connect()
    expect((await daemons.run('reload')).code).toBe(0)
    await ask(client)
    client.socket.end()
    await until('no old process', () => daemons.state().finishing.length === 0)
    await ask(await connect())
    expect(existsSync(path)).toBe(true)
    expect((await daemons.run('stop')).code).toBe(0)
    expect(existsSync(path)).toBe(false)
  })

  test('a server that stops under load answers every request that it has read, and counts it', async context => {
    const { daemons, connect } = setUpDaemons(context)
    await daemons.start(['tlv', '-d', '--listen', '0', '--workers', '2'])
    const state = daemons.state()
    const some = await Promise.all(Array.from({ length: 8 }, connect))
    let answered = 0
    const loops = some.map(async client => {
      for (;;) {
        client.write(message)
        await until('a reply or the end', () => client.available >= message.length || client.ended || client.closed)
        if (client.available < message.length) return
        await client.take(message.length)
        answered++
      }
    })
    await until('some replies', () => answered > 1000)
    expect((await daemons.run('stop')).code).toBe(0)
    await Promise.all(loops)
    expect(isAlive(state)).toBe(false)
    const counted = /stopped; ([\d,]+) requests in all/.exec(daemons.log())?.[1]
    expect(counted?.replaceAll(',', '')).toBe(String(answered))
  })
})
