import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'

/** Bytes read of a file unless more are asked for; of /proc/stat, which is longer on a large machine, the first line is enough. */
const fileBytes = 16 * 1024
const fileBytesMax = 1024 * 1024

/** What is read of /proc and /sys; each answer is empty where there is no such file, or it may not be read. */
export interface SystemFiles {
  /** The first bytes of a file as latin1. */
  text(path: string, bytes?: number): string | undefined
  /** The names in a folder. */
  names(path: string): readonly string[]
  /** What a link points to. */
  link(path: string): string | undefined
}

/** Hundreds of files are read at once while a run lasts, so they share one buffer. */
let buffer = Buffer.alloc(0)

/** The files of this machine. */
export const systemFiles: SystemFiles = {
  text(path, bytes = fileBytes) {
    const most = Math.min(bytes, fileBytesMax)
    if (buffer.length < most) buffer = Buffer.alloc(most)
    try {
      const file = openSync(path, 'r')
      try {
        let length = 0
        for (let got = -1; got !== 0 && length < most; length += got) {
          got = readSync(file, buffer, length, most - length, null)
        }
        return buffer.toString('latin1', 0, length)
      } finally {
        closeSync(file)
      }
    } catch {
      return undefined
    }
  },
  names(path) {
    try {
      return readdirSync(path)
    } catch {
      return []
    }
  },
  link(path) {
    try {
      return readlinkSync(path, 'latin1')
    } catch {
      return undefined
    }
  },
}
