import { type Clock, monotonicClock } from '../clock.ts'
import type { Observer } from '../run/observer.ts'
import { type Colors, printable } from '../terminal/cells.ts'
import { formatTimeOfDay } from '../units.ts'
import { describeSearch, renderLine } from './lines.ts'
import { renderScreen, type ScreenRun } from './screen.ts'

/** How a run is shown while it lasts: a screen redrawn in place, a line a second, or not at all. */
export type LiveMode = 'screen' | 'lines' | 'quiet'

/** The parts of a terminal, or of another stream, that the live view uses. */
export interface LiveStream {
  write(text: string): unknown
  readonly columns?: number
  readonly rows?: number
}

export interface LiveOptions {
  readonly stream: LiveStream
  readonly mode: LiveMode
  readonly colors: Colors
  readonly clock?: Clock
  readonly wallClock?: () => Date
  /** Stops this process until it is continued, as Ctrl-Z does for a program that does not handle it. */
  readonly suspend?: () => void
}

const redrawMs = 500
const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const eraseLine = '\u001b[2K'
const eraseLineAndUp = `${eraseLine}\u001b[1A`
const toFirstColumn = '\u001b[G'
/**
 * Makes a terminal show everything between this and `endFrame` at once; a terminal that does not know it ignores it.
 */
const beginFrame = '\u001b[?2026h'
const endFrame = '\u001b[?2026l'

/** An observer that shows each run on a stream. Commands give it stderr, so that stdout has only the summary. */
export function createLive(options: LiveOptions): Observer {
  if (options.mode === 'quiet') return {}
  return options.mode === 'screen' ? createScreen(options) : createLines(options)
}

function createScreen({ stream, colors, clock = monotonicClock, suspend = stopSelf }: LiveOptions): Observer {
  let run: ScreenRun
  let drawnAt = Number.NEGATIVE_INFINITY
  let drawnLines = 0
  let isCursorHidden = false
  // `renderScreen` ensures that no line wraps and that the terminal does not scroll, so the number of lines is enough.
  const erase = () => (drawnLines === 0 ? '' : eraseLineAndUp.repeat(drawnLines) + eraseLine + toFirstColumn)
  const restore = () => {
    stream.write(erase() + showCursor)
    drawnLines = 0
  }
  // Ctrl-Z gives the terminal back as it was; the next frame after "fg" hides the cursor again.
  const onSuspend = () => {
    restore()
    isCursorHidden = false
    suspend()
  }
  return {
    started(start) {
      run = start
    },
    progressed({ snapshot, notes }) {
      const now = clock.now()
      if (now - drawnAt < redrawMs) return
      if (drawnAt === Number.NEGATIVE_INFINITY) {
        process.once('exit', restore)
        process.on('SIGTSTP', onSuspend)
      }
      if (!isCursorHidden) stream.write(hideCursor)
      isCursorHidden = true
      drawnAt = now
      // A terminal that does not know its size reports none, or 0.
      const size = { columns: stream.columns || 80, rows: stream.rows || 24 }
      const screen = renderScreen(run, snapshot(), notes(), size, colors)
      stream.write(`${beginFrame}${erase()}${screen}\n${endFrame}`)
      drawnLines = screen.split('\n').length
    },
    said(text) {
      // The line stays: the summary follows below it.
      stream.write(`${erase()}${printable(text)}\n`)
      drawnLines = 0
    },
    ended() {
      if (drawnAt === Number.NEGATIVE_INFINITY) return
      drawnAt = Number.NEGATIVE_INFINITY
      process.removeListener('exit', restore)
      process.removeListener('SIGTSTP', onSuspend)
      restore()
      isCursorHidden = false
    },
  }
}

function stopSelf(): void {
  process.kill(process.pid, 'SIGSTOP')
}

function createLines({ stream, clock = monotonicClock, wallClock = () => new Date() }: LiveOptions): Observer {
  const shownNotes = new Set<string>()
  let lastSecond = 0
  let openingAt = clock.now()
  const write = (line: string) => stream.write(`${printable(line)}\n`)
  return {
    started({ title, search }) {
      shownNotes.clear()
      lastSecond = 0
      openingAt = clock.now()
      const part = search === undefined ? '' : `  ${describeSearch(search)}`
      write(`volley ${title.name}  ${title.what}  ${title.load}  ${title.how}${part}`)
    },
    progressed({ progress: { phase, elapsedMs }, snapshot, notes }) {
      if (phase === 'opening') {
        // No second of the run has begun, but a slow start should be visible.
        if (clock.now() - openingAt < 1000) return
        openingAt = clock.now()
        write(renderLine(snapshot(), wallClock()))
      } else if (Math.floor(elapsedMs / 1000) > lastSecond) {
        lastSecond = Math.floor(elapsedMs / 1000)
        write(renderLine(snapshot(), wallClock()))
      }
      for (const note of notes().filter(note => !shownNotes.has(note))) {
        shownNotes.add(note)
        write(`${formatTimeOfDay(wallClock())}  ! ${note}`)
      }
    },
    said: text => void write(`${formatTimeOfDay(wallClock())}  ${text}`),
  }
}

/** The flags that decide how a run is shown. */
export interface LiveFlags {
  /** `--quiet` */
  readonly quiet?: boolean | undefined
  /** False after `--no-live`. */
  readonly live?: boolean | undefined
  /** False after `--no-color`. */
  readonly color?: boolean | undefined
}

type Variables = Readonly<Record<string, string | undefined>>

/** The screen on a terminal; lines where there is none, in CI, or where they were asked for. */
export function liveMode(stream: { readonly isTTY?: boolean }, flags: LiveFlags, env: Variables): LiveMode {
  if (flags.quiet) return 'quiet'
  const terminal = stream.isTTY === true && env['TERM'] !== 'dumb' && !isSet(env['CI'])
  return terminal && flags.live !== false ? 'screen' : 'lines'
}

/** Whether text on the stream is coloured; `--no-color` and NO_COLOR win over FORCE_COLOR, and that over the stream. */
export function wantsColors(stream: { readonly isTTY?: boolean }, flags: LiveFlags, env: Variables): boolean {
  if (flags.color === false || (env['NO_COLOR'] ?? '') !== '') return false
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] === '' || isSet(env['FORCE_COLOR'])
  return stream.isTTY === true && env['TERM'] !== 'dumb'
}

function isSet(variable: string | undefined): boolean {
  return variable !== undefined && !['', '0', 'false'].includes(variable.toLowerCase())
}
