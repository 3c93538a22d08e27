import { formatCount } from '../../harness/units.ts'

/** More lines than these are not printed within a second: nobody can read them, and printing costs more than serving. */
export const linesPerSecondMax = 100
const secondMs = 1000

/** Prints at most so many lines a second, and then how many were left out. */
export class LimitedLines {
  readonly #print: (line: string) => void
  readonly #max: number
  #secondBeganMs = Number.NEGATIVE_INFINITY
  #printed = 0
  #leftOut = 0
  #timer: NodeJS.Timeout | undefined

  constructor(print: (line: string) => void, max: number = linesPerSecondMax) {
    this.#print = print
    this.#max = max
  }

  /** Prints the line, which is made only where there is room for it in this second. */
  print(line: () => string): void {
    const nowMs = performance.now()
    if (nowMs - this.#secondBeganMs >= secondMs) {
      this.end()
      this.#secondBeganMs = nowMs
      this.#printed = 0
    }
    if (this.#printed < this.#max) {
      this.#printed++
      this.#print(line())
      return
    }
    this.#leftOut++
    this.#timer ??= setTimeout(() => this.end(), this.#secondBeganMs + secondMs - nowMs).unref()
  }

  /** Says how many lines were left out since the last time. */
  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#leftOut === 0) return
    const lines = this.#leftOut === 1 ? '1 more line was' : `${formatCount(this.#leftOut)} more lines were`
    this.#leftOut = 0
    this.#print(`${lines} left out: at most ${this.#max} are printed a second`)
  }
}
