import type { RunTitle } from '../metrics/snapshot.ts'
import type { Plan } from '../plan/plan.ts'
import { describeProtocol } from '../protocols/describeProtocol.ts'
import { describeConnections, describeLimits, describeLoad } from '../report/figures.ts'
import type { Scenario } from '../scenario/scenario.ts'

/** The parts of a plan that its title shows. */
export type TitledPlan = Pick<Plan, 'warmupMs' | 'lengthMs'> & {
  readonly workers: readonly Pick<Plan['workers'][number], 'transport'>[]
}

/** The title of a run's screen; `scenario` and `target` are redacted. */
export function titleOf(scenario: Scenario, target: string, plan: TitledPlan): RunTitle {
  const { load, requests } = scenario
  const limits = describeLimits(scenario)
  const [first] = plan.workers
  const workers = plan.workers.length
  const loads = [describeLoad(load), describeConnections(scenario), ...(limits === undefined ? [] : [limits])]
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
