import type { Trial } from './trial.ts'
import { connectionTrials } from './trials/connectionTrials.ts'
import { framingTrials } from './trials/framingTrials.ts'
import { lengthTrials } from './trials/lengthTrials.ts'
import { randomBytesTrial } from './trials/randomBytes.ts'
import { slowReaderTrial } from './trials/slowReader.ts'

/** All trials, in the order in which they run. */
export const trials: readonly Trial[] = [
  ...framingTrials,
  ...lengthTrials,
  ...connectionTrials,
  randomBytesTrial,
  slowReaderTrial,
]
