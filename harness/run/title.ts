import type { RunTitle } from '../metrics/snapshot.ts'
import type { Plan } from '../plan/plan.ts'
import { describeProtocol } from '../protocols/spec.ts'
import { describeLimits, describeLoad } from '../report/figures.ts'
import type { Scenario } from '../scenario/scenario.ts'

/** The title of a run's screen; `scenario` and `target` are redacted, `partOf` is what the run is a part of. */
export function titleOf(scenario: Scenario, target: string, plan: Plan, partOf?: string): RunTitle {
  const { connections, load, requests } = scenario
  const limits = describeLimits(scenario)
  const [first] = plan.workers
  const workers = plan.workers.length
  const loads = [
    describeLoad(load),
    `${connections} ${connections === 1 ? 'connection' : 'connections'} x ${load.pipeline}`,
    ...(limits === undefined ? [] : [limits]),
    ...(partOf === undefined ? [] : [partOf]),
  ]
  return {
    name: scenario.name,
    what: `${[describeProtocol(scenario.protocol), ...(scenario.layers ?? [])].join(' + ')} over ${target}`,
    load: loads.join(', '),
    how: `${first!.transport}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`,
    warmupMs: plan.warmupMs,
    ...(requests === undefined ? {} : { requests }),
    ...(limits === undefined ? {} : { countedMsMax: plan.lengthMs }),
  }
}
