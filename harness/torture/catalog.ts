import { connectionTrials } from './connectionTrials.ts'
import { framingTrials } from './framingTrials.ts'
import { lengthTrials } from './lengthTrials.ts'
import { randomBytesTrial } from './randomBytes.ts'
import { slowReaderTrial } from './slowReader.ts'
import type { Trial } from './trial.ts'

/** Every trial there is, in the order in which they are made. */
export const trials: readonly Trial[] = [
  ...framingTrials,
  ...lengthTrials,
  ...connectionTrials,
  randomBytesTrial,
  slowReaderTrial,
]
