import { createPrng, type Prng, streamSeed } from '../../prng.ts'
import { inParallel } from '../parallel.ts'
import { validRequests } from '../subject.ts'
import type { Trial } from '../trial.ts'

const connectionsOfEach = 16
const bytesMax = 4096
/** The most bytes of a request that are changed. */
const changesMax = 4

/** Random bytes, and requests with a few bytes changed; they follow from the seed. */
export const randomBytesTrial: Trial = {
  name: 'random-bytes',
  does: 'random bytes, and requests with a few bytes changed: no harm to others',
  async run(workbench) {
    const [request] = validRequests(workbench.subject, 1)
    const messages = Array.from({ length: 2 * connectionsOfEach }, (_, index) => {
      const prng = createPrng(streamSeed(workbench.seed, index))
      return index % 2 === 0 ? noise(prng) : changed(request!, prng)
    })
    await inParallel(messages, messages.length, async message => {
      const client = await workbench.open()
      await client.write(message, workbench.timeoutMs)
      await client.until(() => client.bytesIn > 0, workbench.times.heldMs)
    })
    await workbench.othersServed()
    return `${messages.length} connections, seed ${workbench.seed}`
  },
}

function noise(prng: Prng): Uint8Array {
  return Uint8Array.from({ length: 1 + prng.below(bytesMax) }, () => prng.below(256))
}

function changed(request: Uint8Array, prng: Prng): Uint8Array {
  const message = request.slice()
  for (let left = 1 + prng.below(changesMax); left > 0; left--) {
    message[prng.below(message.length)] = prng.below(256)
  }
  return message
}
