import { driftMax } from '../metrics/steadyState.ts'

/** The limits of all checks (measurement, section 2), in one table. */
export const limits = {
  errorsSuspect: 0.001,
  clockDriftMs: 50,
  /** Of the machine's cores, by client and server together. */
  coresInUse: 0.9,
  /** Of what was planned, what was not sent. */
  rateSuspect: 0.01,
  rateInvalid: 0.05,
  /** Of the response time, our own lag. */
  lagSuspect: 0.1,
  lagInvalid: 0.3,
  /** Distance of the gaps' distribution from the exponential one; dispersion of counts, and of a constant rate's gaps. */
  gapDistance: 0.05,
  dispersionPoisson: 0.2,
  dispersionConstant: 0.05,
  gapVariation: 0.1,
  /** Of its time, a worker's work; of the machine's, what the hypervisor gave to others. */
  busySuspect: 0.5,
  busyInvalid: 0.8,
  steal: 0.01,
  throttledMs: 0,
  /** Of what the client can do at most, what it did: its throughput against a server that does nothing. */
  ceiling: 0.7,
  /** Of its time, the work of a client that is its own limit whatever the null server shows. */
  ceilingBusy: 0.9,
  /** Of the slots of a closed loop, those in use. */
  slotsInUse: 0.98,
  /** How the measured part's throughput and mean drift from its one end to the other, and how sure that is. */
  drift: driftMax,
  driftZ: 2.58,
  /** Half an interval in parts of its quantile. The proposal was 0.1 for all, which p99 misses on any shared machine. */
  interval: { p50: 0.1, p90: 0.2, p99: 0.5 },
  balance: 0.95,
  /** Of the replies beyond a quantile, those that a retransmission can have put there. */
  retransmits: 0.1,
} as const
