import { closeSync, openSync, writeSync } from 'node:fs'
import { UserError } from '../../harness/errors.ts'

/** A file that lines are appended to. Whoever moves it aside has it opened anew by `reopen`. */
export class LogFile {
  readonly path: string
  #descriptor: number | undefined

  /** Throws a UserError when the file cannot be written. */
  constructor(path: string) {
    this.path = path
    try {
      this.#descriptor = openSync(path, 'a')
    } catch (error) {
      throw new UserError(`the log file ${path} cannot be written: ${(error as Error).message}`)
    }
  }

  /** Appends a line; one that does not fit on the disk is lost, and the server goes on. */
  print(line: string): void {
    if (this.#descriptor === undefined) return
    try {
      writeSync(this.#descriptor, `${line}\n`)
    } catch {
      // There is nowhere to say so.
    }
  }

  /** Goes on in the file that is now at the path; where there can be none, in the one it has. */
  reopen(): void {
    let descriptor: number
    try {
      descriptor = openSync(this.path, 'a')
    } catch (error) {
      this.print(`the log file cannot be opened anew: ${(error as Error).message}`)
      return
    }
    this.close()
    this.#descriptor = descriptor
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}
