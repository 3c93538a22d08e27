import { closeSync, openSync, writeSync } from 'node:fs'
import { UserError } from '../../harness/errors.ts'

/** A file that lines are appended to. After it was moved away, `reopen` continues in a new file. */
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

  /** Appends a line; a line that cannot be written is lost, and the server continues. */
  print(line: string): void {
    if (this.#descriptor === undefined) return
    try {
      writeSync(this.#descriptor, `${line}\n`)
    } catch {
      // There is nowhere to report it.
    }
  }

  /** Continues in the file that is now at the path, or in the open one if that cannot be opened. */
  reopen(): void {
    let descriptor: number
    try {
      descriptor = openSync(this.path, 'a')
    } catch (error) {
      this.print(`the log file cannot be opened again: ${(error as Error).message}`)
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
