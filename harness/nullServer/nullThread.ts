import { parentPort, workerData } from 'node:worker_threads'
import { loadLibc } from '../transports/libc.ts'
import { listenByEpoll } from './nullEpoll.ts'
import { listenByNode } from './nullNode.ts'
import { createNullReplies, type NullReplyPlan } from './nullReplies.ts'

/** What a thread of the null server is given to begin with. */
export interface NullStart {
  readonly way: 'epoll' | 'node'
  /** Where to listen: a unix socket, or without it a free port of loopback. */
  readonly path: string | undefined
  readonly replies: NullReplyPlan
  /** One 32-bit word, which is 1 when the thread is to end. */
  readonly memory: SharedArrayBuffer
}

const { way, path, replies, memory } = workerData as NullStart
const word = new Int32Array(memory)
const isStopped = () => Atomics.load(word, 0) !== 0
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
