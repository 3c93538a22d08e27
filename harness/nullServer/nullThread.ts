import { parentPort, workerData } from 'node:worker_threads'
import { loadLibc } from '../transports/libc.ts'
import { listenByEpoll } from './nullEpoll.ts'
import { listenByNode } from './nullNode.ts'
import { createNullReplies, type NullReplyPlan } from './nullReplies.ts'

/** The data that a thread of the null server starts with. */
export interface NullStart {
  readonly way: 'epoll' | 'node'
  /** The unix socket to listen at; undefined for a free port of the loopback address. */
  readonly path: string | undefined
  readonly replies: NullReplyPlan
  /** One 32-bit word: 1 is the signal to stop. */
  readonly memory: SharedArrayBuffer
}

const { way, path, replies, memory } = workerData as NullStart
const stopSignal = new Int32Array(memory)
const isStopped = () => Atomics.load(stopSignal, 0) !== 0
const answers = createNullReplies(replies)
if (way === 'node') {
  const server = await listenByNode(answers, path)
  parentPort!.postMessage(server.port)
  await server.run(isStopped)
} else {
  const libc = loadLibc()
  if (typeof libc === 'string') throw new Error(libc)
  const server = listenByEpoll(libc, answers, path)
  parentPort!.postMessage(server.port)
  server.run(isStopped)
}
