import { workerData } from 'node:worker_threads'
import { over, word } from './coreDistance.ts'

/** Readings without a new question after which this thread sleeps again, as the other one has lost its core: a millisecond. */
const readsMax = 200_000

/** Rounds in vain at the start, until the code is compiled. */
const compileRounds = 4

/** The other thread of `CoreDistanceMeter`: answers as long as there are questions, and sleeps until the next round. */
function answerAll(words: Int32Array): never {
  const unused = new Int32Array(words.length)
  for (let round = 1; round <= compileRounds; round++) {
    unused[word.question] = round
    answerRound(unused)
  }
  for (;;) {
    const round = Atomics.load(words, word.round)
    answerRound(words)
    Atomics.wait(words, word.round, round)
  }
}

function answerRound(words: Int32Array): void {
  let answered = Atomics.load(words, word.answer)
  for (let reads = 0; reads < readsMax; reads++) {
    const asked = Atomics.load(words, word.question)
    if (asked === over) return
    if (asked === answered) continue
    Atomics.store(words, word.answer, asked)
    answered = asked
    reads = 0
  }
}

answerAll(new Int32Array(workerData as SharedArrayBuffer))
