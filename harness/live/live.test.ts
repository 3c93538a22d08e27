import { Writable } from 'node:stream'
import picocolors from 'picocolors'
import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../metrics/snapshot.ts'
import type { RunFacts } from '../report/record.ts'
import type { Observer } from '../run/observer.ts'
import { createLive, type LiveOptions, liveMode, wantsColors } from './live.ts'
import { sampleSnapshot, sampleTitle } from './testing/samples.ts'

const colors = picocolors.createColors(false)
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const eraseLineAndUp = '\u001b[2K\u001b[1A'

/** A terminal that keeps what is written to it. */
function fakeTerminal(isTTY: boolean) {
  const chunks: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
  Object.assign(stream, { isTTY, columns: 80, rows: 24 })
  return { stream: stream as unknown as NodeJS.WriteStream, written: () => chunks.join(''), chunks }
}

/** The live view of a run that has begun. */
function begun(options: LiveOptions): Observer {
  const live = createLive(options)
  live.started?.({ facts: {} as RunFacts, title: sampleTitle })
  return live
}

function show(live: Observer, snapshot: Snapshot, notes: readonly string[]): void {
  live.progressed?.({ progress: snapshot, snapshot: () => snapshot, notes: () => notes })
}

function fakeClock() {
  let now = 0
  return { now: () => now, advance: (milliseconds: number) => (now += milliseconds) }
}

describe('createLive()', () => {
  it('redraws a screen twice a second at most', () => {
    const { stream, written } = fakeTerminal(true)
    const clock = fakeClock()
    const live = begun({ stream, mode: 'screen', colors, clock })
    for (let tick = 0; tick < 40; tick++) {
      show(live, { ...sampleSnapshot, requestsPerSecond: tick }, [])
      clock.advance(25)
    }
    live.ended?.()
    const shown = [...written().matchAll(/(\d+) requests\/s/g)].map(match => match[1])
    expect(shown).toEqual(['0', '20'])
  })

  it('erases the screen and shows the cursor at its end, and listens for nothing any more', () => {
    const { stream, written, chunks } = fakeTerminal(true)
    const listeners = process.listenerCount('exit')
    const live = begun({ stream, mode: 'screen', colors, clock: fakeClock() })
    show(live, sampleSnapshot, [])
    const lines = written().split('\n').length - 1
    expect(lines).toBeGreaterThan(20)
    expect(chunks[0]).toBe(hideCursor)
    expect(process.listenerCount('exit')).toBe(listeners + 1)
    live.ended?.()
    expect(written()).toContain(eraseLineAndUp.repeat(lines))
    expect(written().endsWith(showCursor)).toBe(true)
    expect(process.listenerCount('exit')).toBe(listeners)
    const length = written().length
    live.ended?.()
    expect(written().length).toBe(length)
  })

  it('says what is done after a run in a line that stays', () => {
    const { stream, written } = fakeTerminal(true)
    const live = begun({ stream, mode: 'screen', colors, clock: fakeClock() })
    show(live, sampleSnapshot, [])
    const lines = written().split('\n').length - 1
    const length = written().length
    live.said?.('a trial of 2 s')
    expect(written().slice(length)).toContain(eraseLineAndUp.repeat(lines))
    expect(written().endsWith('a trial of 2 s\n')).toBe(true)
    live.ended?.()
    expect(written().endsWith(`a trial of 2 s\n${showCursor}`)).toBe(true)
    const plain = fakeTerminal(false)
    const wallClock = () => new Date(2026, 10, 21, 9, 30, 13)
    begun({ stream: plain.stream, mode: 'lines', colors, clock: fakeClock(), wallClock }).said?.('a trial of 2 s')
    expect(plain.written().endsWith('09:30:13  a trial of 2 s\n')).toBe(true)
    expect(createLive({ stream, mode: 'quiet', colors }).said).toBeUndefined()
  })

  it('gives the terminal back on Ctrl-Z, and takes it again afterwards', () => {
    const { stream, written, chunks } = fakeTerminal(true)
    const listeners = process.listenerCount('SIGTSTP')
    const clock = fakeClock()
    const atSuspend: string[] = []
    const live = begun({ stream, mode: 'screen', colors, clock, suspend: () => atSuspend.push(written()) })
    show(live, sampleSnapshot, [])
    process.emit('SIGTSTP')
    expect(atSuspend).toHaveLength(1)
    expect(atSuspend[0]!.endsWith(showCursor)).toBe(true)
    clock.advance(1000)
    show(live, sampleSnapshot, [])
    expect(chunks.slice(-2)[0]).toBe(hideCursor)
    live.ended?.()
    expect(process.listenerCount('SIGTSTP')).toBe(listeners)
  })

  it('shows the cursor also when the process ends unexpectedly', () => {
    const { stream, written } = fakeTerminal(true)
    const listeners = process.listeners('exit')
    const live = begun({ stream, mode: 'screen', colors, clock: fakeClock() })
    show(live, sampleSnapshot, [])
    const added = process.listeners('exit').filter(listener => !listeners.includes(listener))
    expect(added.length).toBe(1)
    added[0]!(1)
    expect(written().endsWith(showCursor)).toBe(true)
    process.removeListener('exit', added[0]!)
  })

  it('writes one line a second, and every note once, where there is no terminal', () => {
    const { stream, written } = fakeTerminal(false)
    const wallClock = () => new Date(2026, 10, 21, 9, 30, 13)
    const live = begun({ stream, mode: 'lines', colors, clock: fakeClock(), wallClock })
    for (let elapsedMs = 100; elapsedMs <= 3000; elapsedMs += 100) {
      const phase = elapsedMs < 2000 ? 'warm-up' : 'measuring'
      show(live, { ...sampleSnapshot, phase, elapsedMs }, elapsedMs > 1500 ? ['client-limited: add workers'] : [])
    }
    live.ended?.()
    expect(written().split('\n')).toEqual([
      'volley tlv-loopback  tlv over tcp://127.0.0.1:41233  loop, 10 connections x 1  node, 1 worker',
      '09:30:13  1s  138,214/s  p50 68us p99 210us  ok 829,284 failed 0  out 2.5MiB/s in 2.5MiB/s  connections 10  warm-up',
      '09:30:13  ! client-limited: add workers',
      '09:30:13  2s  138,214/s  p50 68us p99 210us  ok 829,284 failed 0  out 2.5MiB/s in 2.5MiB/s  connections 10',
      '09:30:13  3s  138,214/s  p50 68us p99 210us  ok 829,284 failed 0  out 2.5MiB/s in 2.5MiB/s  connections 10',
      '',
    ])
  })

  it('writes a line a second while connections are being opened', () => {
    const { stream, written } = fakeTerminal(false)
    const clock = fakeClock()
    const wallClock = () => new Date(2026, 10, 21, 9, 30, 13)
    const live = begun({ stream, mode: 'lines', colors, clock, wallClock })
    for (let tick = 0; tick <= 20; tick++) {
      show(live, { ...sampleSnapshot, phase: 'opening', elapsedMs: 0, connections: { open: tick, wanted: 30 } }, [])
      clock.advance(100)
    }
    expect(written().split('\n').slice(1)).toEqual([
      '09:30:13  opening 10 of 30 connections',
      '09:30:13  opening 20 of 30 connections',
      '',
    ])
  })

  it('writes nothing when it is to be quiet', () => {
    const { stream, written } = fakeTerminal(true)
    const live = begun({ stream, mode: 'quiet', colors })
    show(live, sampleSnapshot, ['note'])
    live.ended?.()
    expect(written()).toBe('')
  })
})

describe('liveMode()', () => {
  const terminal = { isTTY: true }

  it('takes the screen on a terminal only', () => {
    expect(liveMode(terminal, {}, { TERM: 'xterm-256color' })).toBe('screen')
    expect(liveMode({ isTTY: false }, {}, {})).toBe('lines')
    expect(liveMode({}, {}, {})).toBe('lines')
  })

  it('takes lines on a dumb terminal, in CI and after --no-live', () => {
    expect(liveMode(terminal, {}, { TERM: 'dumb' })).toBe('lines')
    expect(liveMode(terminal, {}, { CI: 'true' })).toBe('lines')
    expect(liveMode(terminal, {}, { CI: 'false' })).toBe('screen')
    expect(liveMode(terminal, { live: false }, {})).toBe('lines')
  })

  it('is quiet after --quiet', () => {
    expect(liveMode(terminal, { quiet: true }, {})).toBe('quiet')
  })
})

describe('wantsColors()', () => {
  const terminal = { isTTY: true }

  it('colours a terminal, and a pipe only when forced', () => {
    expect(wantsColors(terminal, {}, {})).toBe(true)
    expect(wantsColors(terminal, {}, { TERM: 'dumb' })).toBe(false)
    expect(wantsColors({}, {}, {})).toBe(false)
    expect(wantsColors({}, {}, { FORCE_COLOR: '1' })).toBe(true)
    expect(wantsColors(terminal, {}, { FORCE_COLOR: '0' })).toBe(false)
  })

  it('honours NO_COLOR and --no-color above all', () => {
    expect(wantsColors(terminal, {}, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false)
    expect(wantsColors(terminal, {}, { NO_COLOR: '' })).toBe(true)
    expect(wantsColors(terminal, { color: false }, { FORCE_COLOR: '1' })).toBe(false)
  })
})
