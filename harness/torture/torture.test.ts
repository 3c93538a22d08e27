import type net from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { cleanUp, listen } from '../cli/testing/volley.ts'
import { detailOf, named, scenarioOf, shortTimes, tortured } from './testing/tortured.ts'

afterEach(cleanUp)

/** Calls back for each line that a connection sends. */
function onLines(socket: net.Socket, call: (line: string) => void): void {
  let rest = ''
  socket.on('data', chunk => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) call(line)
  })
}

const echoLines = (socket: net.Socket) => onLines(socket, line => socket.write(`${line}\n`))
const target = ({ url }: { url: string }) => `target: { address: "${url}" }\n`

describe('torture()', () => {
  test('does the handshake of a scenario on each connection', async () => {
    const server = await listen(socket => {
      let isGreeted = false
      onLines(socket, line => {
        if (!isGreeted && line !== 'login me') socket.destroy()
        isGreeted = true
        socket.write(`${line}\n`)
      })
    })
    const loaded = scenarioOf(
      `${target(server)}protocol: line\nconnect: [{ send: login me }]\nloop: [{ send: hello }]\n`,
    )
    const only = 'valid,split,byte-by-byte,glued,glued-and-cut,half-a-frame,random-bytes'
    expect(named(await tortured(loaded, { only }), 'pass')).toEqual(only.split(','))
  })

  test('fills in slots as a run does, in a handshake separately for each connection', async () => {
    const connections: string[][] = []
    const server = await listen(socket => {
      const lines: string[] = []
      connections.push(lines)
      onLines(socket, line => {
        lines.push(line)
        socket.write(`${line}\n`)
      })
    })
    const result = await tortured(
      scenarioOf(
        `${target(server)}protocol: line\nconnect: [{ send: "login {{uuid}} {{seq}}" }]\nloop: [{ send: "{{random 5..9}} {{uuid}} {{stamp}}" }]\n`,
      ),
      { only: 'valid' },
    )
    expect(named(result, 'pass')).toEqual(['valid'])
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
    const used = connections.filter(lines => lines.length > 0)
    for (const [login, request] of used) {
      expect(login).toMatch(new RegExp(`^login ${uuid} \\d{10}$`))
      expect(request).toMatch(new RegExp(`^[5-9] ${uuid} [1-9]\\d{15}$`))
    }
    expect(used.length).toBeGreaterThan(1)
    expect(new Set(used.map(([login]) => login)).size).toBe(used.length)
  })

  test('skips what does not apply to a server that closes after one reply', async () => {
    const server = await listen(socket => onLines(socket, line => socket.end(`${line}\n`)))
    const loaded = scenarioOf(`${target(server)}protocol: line\nloop: [{ send: hello }]\n`)
    const result = await tortured(loaded, { only: 'valid,split,glued,slow-reader' })
    expect(named(result, 'pass')).toEqual(['valid', 'split'])
    expect(detailOf(result, 'glued')).toBe('the server closes each connection after one reply')
    expect(detailOf(result, 'slow-reader')).toBe('the server closes each connection after one reply')
  })
})

describe('torture() ends early', () => {
  test('with a trial that takes too long, and runs none after its time limit', async () => {
    const server = await listen(echoLines)
    const loaded = scenarioOf(`${target(server)}protocol: line\nloop: [{ send: hello }]\n`)
    const times = { ...shortTimes, heldMs: 20_000, trialMsMax: 600, tortureMsMax: 500 }
    const result = await tortured(loaded, { only: 'half-a-frame,end-mid-frame', times })
    expect(detailOf(result, 'half-a-frame')).toMatch(/^not finished within 600ms: /)
    expect(detailOf(result, 'end-mid-frame')).toBe('the time limit of 500ms was reached')
    expect(named(result, 'skipped')).toEqual(['end-mid-frame'])
  })

  test('when it is interrupted, without the trial that it runs', async () => {
    const server = await listen(echoLines)
    const loaded = scenarioOf(`${target(server)}protocol: line\nloop: [{ send: hello }]\n`)
    const stop = new AbortController()
    const onResult = () => void setTimeout(() => stop.abort(), 20)
    const times = { ...shortTimes, heldMs: 20_000 }
    const only = 'valid,half-a-frame,end-mid-frame'
    const result = await tortured(loaded, { only, times, signal: stop.signal, onResult })
    expect(result).toMatchObject({ interrupted: true })
    expect(result.trials.map(({ name }) => name)).toEqual(['valid'])
  })
})

describe('torture() cannot run', () => {
  test('if the valid request gets no answer', async () => {
    const server = await listen(socket => socket.resume())
    const loaded = scenarioOf(
      `${target(server)}protocol: tlv\ntimeout: 200ms\nloop: [{ send: { type: 1, body: hello } }]\n`,
    )
    await expect(tortured(loaded)).rejects.toMatchObject({
      message: `${server.url} does not answer the valid request: no reply within 200ms`,
      hint: expect.stringContaining('is the protocol right?'),
    })
  })

  test('if the answer is not a message of the protocol', async () => {
    const server = await listen(socket => socket.on('data', () => socket.write(Buffer.alloc(64, 0xff))))
    const loaded = scenarioOf(`${target(server)}protocol: rpc\nloop: [{ send: { type: 1, body: hello } }]\n`)
    await expect(tortured(loaded)).rejects.toThrow('does not answer the valid request: a message that is too large')
  })

  test('if the request or the handshake takes a captured value', async () => {
    const server = await listen(echoLines)
    const loaded = scenarioOf(
      `${target(server)}protocol: line\nconnect: [{ send: a, capture: { token: body } }, { send: "{{token}}" }]\nloop: [{ send: "{{token}}" }]\n`,
    )
    await expect(tortured(loaded)).rejects.toMatchObject({
      faults: [{ place: 'test.yaml loop[0]' }, { place: 'test.yaml connect[1]' }],
      message: expect.stringContaining('takes a captured value'),
    })
  })
})
