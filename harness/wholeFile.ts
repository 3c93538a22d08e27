import { randomUUID } from 'node:crypto'
import {
  closeSync,
  linkSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { InvalidValue } from './invalidValue.ts'
import { formatSize } from './units.ts'

const chunkBytes = 256 * 1024

export interface ReadBounds {
  readonly bytesMax: number
  /** What is read, as messages name it: `a report file`. */
  readonly what: string
  /** Reads a pipe or a device too, up to its end. */
  readonly pipes?: boolean
}

/**
 * Reads a file whole. Throws an InvalidValue where there is something other than a file, or more than `bytesMax`, and
 * the error of the system where it cannot be read.
 */
export async function readBounded(path: string, bounds: ReadBounds): Promise<Buffer> {
  // Checked before it is opened: opening a pipe waits for a writer.
  checkStats(await stat(path), bounds)
  const file = await open(path)
  try {
    const chunks: Buffer[] = []
    for (let left = bounds.bytesMax + 1; left > 0; left -= chunks.at(-1)!.length) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, left))
      const { bytesRead } = await file.read(chunk)
      if (bytesRead === 0) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, bytesRead))
    }
    throw tooLarge(bounds)
  } finally {
    await file.close()
  }
}

/** Reads a stream to its end; throws an InvalidValue as soon as it has more than `bytesMax`. */
export async function readBoundedStream(
  stream: AsyncIterable<Uint8Array | string>,
  bounds: ReadBounds,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Uint8Array)
    length += bytes.length
    if (length > bounds.bytesMax) throw tooLarge(bounds)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

/** `readBounded` without a promise. */
export function readBoundedSync(path: string, bounds: ReadBounds): Buffer {
  checkStats(statSync(path), bounds)
  const bytes = readStartSync(path, bounds.bytesMax + 1)
  if (bytes.length > bounds.bytesMax) throw tooLarge(bounds)
  return bytes
}

/** The first bytes of a file, all of them where it has no more than `bytesMax`. */
export function readStartSync(path: string, bytesMax: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(bytesMax)
    let length = 0
    for (let got = -1; got !== 0 && length < bytesMax; length += got) {
      got = readSync(file, bytes, length, bytesMax - length, null)
    }
    return bytes.subarray(0, length)
  } finally {
    closeSync(file)
  }
}

/**
 * Replaces a file whole or not at all: the text is written to a temporary file beside it, which then takes its name.
 * `durable` flushes the text to disk first: otherwise a crash of the machine could leave an empty file under the name.
 */
export async function writeWhole(path: string, text: string, { durable = false } = {}): Promise<void> {
  const temporary = temporaryPath(path)
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(text)
      if (durable) await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

/** `writeWhole` without a promise, and without flushing. */
export function writeWholeSync(path: string, text: string): void {
  const temporary = temporaryPath(path)
  try {
    writeFileSync(temporary, text, { flag: 'wx' })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** Creates a file with the whole of its text at once; false where there is something of that name already. */
export function createWholeSync(path: string, text: string): boolean {
  const temporary = temporaryPath(path)
  try {
    writeFileSync(temporary, text, { flag: 'wx' })
    return linkIfFree(temporary, path)
  } finally {
    rmSync(temporary, { force: true })
  }
}

/** Gives a file a second name; false where there is something of that name already. */
export function linkIfFree(path: string, name: string): boolean {
  try {
    linkSync(path, name)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A hidden name in the same folder that no other file has. */
export function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`)
}

function checkStats(stats: Stats, bounds: ReadBounds): void {
  if (stats.isDirectory()) throw new InvalidValue(bounds.what, 'a folder')
  if (!stats.isFile() && bounds.pipes !== true) throw new InvalidValue(bounds.what, 'a pipe or a device')
  if (stats.size > bounds.bytesMax) throw tooLarge(bounds)
}

function tooLarge({ what, bytesMax }: ReadBounds): InvalidValue {
  return new InvalidValue(`${what} of at most ${formatSize(bytesMax)}`, 'more')
}
