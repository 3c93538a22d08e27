import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Check, testChecks } from './testing/auditChecks.ts'
import { answersAfter, answersWrong, onMachine, overburdened, real, shared } from './testing/audited.ts'
import { closedLoop, constant, poisson } from './testing/simulated.ts'
import { cleanUp, type Ran, run, scenarioFile } from './testing/volley.ts'

// First, because a simulation blocks this process, and with it the runs and the servers in it.
beforeAll(async () => {
  for (const simulate of [closedLoop, poisson, constant]) await simulate()
})
// Not after each test: the checks run at the same time.
afterAll(cleanUp)

const strict = '--strict'

// The transport that cannot read which retransmissions are its own.
const node = ['--transport', 'node']
const lossy = { retransmits: 5000, tcpTimeouts: 3 }
const troubled = shared(() => onMachine({ stealTicks: 50, throttledMs: 200, ...lossy }, ...node, strict))
const quiet = shared(() => onMachine({ tcpTimeouts: 3 }, ...node))

/** A run with a number of requests, whose handshake the echo server answers with "hello". */
function counted(wanted: string): Promise<Ran> {
  return run(
    scenarioFile(`
name: counted
target: { serve: echo }
protocol: line
connections: 2
connect: [{ send: hello, expect: { equals: ${wanted} } }]
loop: [{ send: ping }]
requests: 20`),
  )
}

/**
 * Checks tripped by real runs that take long, or on an invented machine: one whose time goes to others (6), that loses
 * segments (14), or whose clock is set (16), because a real one takes root or does harm. Reading the kernel's own files is
 * tested in ../host/counters.test.ts.
 */
const checks: readonly Check[] = [
  {
    check: 5,
    code: 'arrivals',
    severity: 'suspect',
    by: 'the same client, with evenly spaced requests',
    says: /did not start as planned \(constant arrivals\)/,
    trips: () => overburdened('constant'),
    healthy: constant,
  },
  {
    check: 15,
    code: 'stuck',
    severity: 'invalid',
    by: 'a server that refuses the handshake',
    says: /not one request could be completed: for 10s every connection failed \(unexpected \d+\)/,
    shows: /^ {2}available {2}0 % of the time:/m,
    trips: () => counted('welcome'),
    healthy: () => counted('hello'),
  },
  {
    check: 16,
    code: 'clock',
    severity: 'invalid',
    by: 'a wall clock that runs twice as fast',
    says: /the wall clock and the monotonic clock moved apart by \d+ ms/,
    trips: () => onMachine({ wallClockSpeed: 2 }),
    healthy: () => onMachine({}),
  },
  {
    check: 6,
    code: 'steal',
    severity: 'suspect',
    by: 'a hypervisor that takes time for other machines',
    says: /the hypervisor gave 5 % of this machine's CPU time to others/,
    trips: troubled,
    healthy: quiet,
  },
  {
    check: 6,
    code: 'cpu-quota',
    severity: 'suspect',
    by: 'a control group that has used up its time',
    says: /the control group's CPU quota stopped this process/,
    trips: troubled,
    healthy: quiet,
  },
  {
    check: 14,
    code: 'retransmits',
    severity: 'suspect',
    by: 'segments that this machine sent again',
    says: /5,000 TCP segments were retransmitted on this machine, .* \(limit [\d.,]+\); the whole machine counted 3 timeouts/,
    trips: troubled,
    healthy: quiet,
  },
  {
    check: 15,
    code: 'errors',
    severity: 'suspect',
    by: 'a wrong reply in every hundred',
    says: /1 % of all requests and connects failed/,
    trips: async () =>
      real({ target: await answersWrong(), send: '{ send: ping, expect: echo }' }, '-n', '1000', '-d', '20s', strict),
    healthy: async () =>
      real({ target: await answersAfter(() => 0), send: '{ send: ping, expect: echo }' }, '-n', '1000', '-d', '20s'),
  },
]

describe('the audit of a real run', () => testChecks(test.concurrent, checks))
