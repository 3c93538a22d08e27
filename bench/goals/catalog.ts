import type { Goal } from '../goal.ts'
import { codecs } from './codecs.ts'
import { echo } from './echo.ts'
import { http } from './http.ts'
import { liveView } from './liveView.ts'
import { memory } from './memory.ts'
import { mqtt } from './mqtt.ts'
import { openLoop } from './openLoop.ts'
import { pipeline } from './pipeline.ts'
import { postgres } from './postgres.ts'
import { roundTrip } from './roundTrip.ts'
import { start } from './start.ts'
import { workers } from './workers.ts'

/** All goals, P1 to P12. */
export const goals: readonly Goal[] = [
  ...[echo, http, pipeline, openLoop, memory, liveView, start, workers, roundTrip],
  ...[postgres, mqtt, codecs],
]
