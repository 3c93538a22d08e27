import type { Trial } from './trial.ts'
import { connectionTrials } from './trials/connectionTrials.ts'
import { framingTrials } from './trials/framingTrials.ts'
import { lengthTrials } from './trials/lengthTrials.ts'
import { randomBytesTrial } from './trials/randomBytes.ts'
import { slowReaderTrial } from './trials/slowReader.ts'

/** Every trial there is, in the order in which they are made. */
export const trials: readonly Trial[] = [
  ...framingTrials,
  ...lengthTrials,
  ...connectionTrials,
  randomBytesTrial,
  slowReaderTrial,
]
