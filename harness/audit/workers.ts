import { formatCount, plural } from '../units.ts'
import type { Finding } from './finding.ts'

/** Worker threads, of this run and as asked for. */
export interface WorkersInputs {
  readonly started: number
  /** As asked for (-w); absent where the number was left to Volley. */
  readonly asked?: number | undefined
  readonly cores: number
  /** Those that send, as each worker needs one. */
  readonly connections: number
  /** Others only listen. */
  readonly areSpeakers?: boolean
}

/** Whether the workers have a core each, and are as many as were asked for. */
export function auditWorkers({ started, asked, cores, connections, areSpeakers }: WorkersInputs): Finding[] {
  if (asked === undefined) return []
  const needed = areSpeakers ? 'a connection that sends' : 'a connection'
  const fewer = `${formatCount(asked)} were asked for, but a worker needs ${needed} and there ${connections === 1 ? 'is' : 'are'} ${formatCount(connections)}`
  if (started > cores) {
    return [
      {
        code: 'workers',
        severity: 'suspect',
        message: `${plural(started, 'worker')} share ${plural(cores, 'core')}${started < asked ? ` (${fewer})` : ''}`,
        hint: `they take turns, which slows all of them down: leave the number to Volley (-w auto), or take at most ${formatCount(cores)} (-w ${cores})`,
        value: started,
        limit: cores,
      },
    ]
  }
  if (started >= asked) return []
  return [
    {
      code: 'workers',
      severity: 'note',
      message: `${plural(started, 'worker')} ${started === 1 ? 'was' : 'were'} started: ${fewer}`,
      hint: 'raise connections (-c) to use more workers',
      value: started,
      limit: asked,
    },
  ]
}
