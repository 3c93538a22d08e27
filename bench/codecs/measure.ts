import { inlineMore } from '../../harness/engine/inlining.ts'
import { type BenchFormatName, benchFormats } from './formats.ts'

/** As many bytes as a client reads at once. */
const bufferBytes = 64 * 1024
const slices = 10
const [name, seconds] = process.argv.slice(2)

/** CPU time of this process: that of the machine's other work is not in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * How many nanoseconds it takes to find the end of a frame: the least of several slices of the time, as other work of the
 * machine can only add to it, by way of the caches.
 */
function measure({ frameEnd, frame }: ReturnType<(typeof benchFormats)[BenchFormatName]>, sliceMs: number): number {
  const count = Math.floor(bufferBytes / frame.length)
  const bytes = new Uint8Array(count * frame.length)
  for (let index = 0; index < count; index++) bytes.set(frame, index * frame.length)
  let least = Number.POSITIVE_INFINITY
  // In the first slice the code is compiled.
  for (let slice = 0; slice <= slices; slice++) {
    const startedAt = cpuMs()
    let frames = 0
    let elapsedMs = 0
    while (elapsedMs < sliceMs) {
      for (let at = 0; at < bytes.length; frames++) {
        at = frameEnd(bytes, at, bytes.length, 0)
        if (at <= 0) throw new Error(`${name}: no frame`)
      }
      elapsedMs = cpuMs() - startedAt
    }
    if (slice > 0) least = Math.min(least, (elapsedMs / frames) * 1e6)
  }
  return least
}

inlineMore()
const sliceMs = (Number(seconds) * 1000) / (slices + 1)
process.stdout.write(`${measure(benchFormats[name as BenchFormatName](), sliceMs)}\n`)
