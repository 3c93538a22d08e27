import { driftMax } from '../metrics/steadyState.ts'

/** The limits of all checks (docs/measurement.md). */
export const limits = {
  /** What the measured part must hold for a verdict. */
  measuredMsMin: 5000,
  completedMin: 1000,
  errorsSuspect: 0.001,
  /** Share of a second, over all connections, that the server left them closed. */
  downShare: 0.5,
  /** A second that is usable for no more than this share of it is down throughout. */
  usableThroughout: 0.05,
  /**
   * The longest time without a reply beyond what replies usually take, and the same until the end; a stall of a second
   * may be the server's own.
   */
  silentMs: 2000,
  silentMsAtEnd: 1000,
  /** Replies that were to be expected in that time; at a low rate a second without one says nothing. */
  repliesMissed: 20,
  /** How long this process may stand still: what a busy machine or a garbage collection takes is less. */
  stallMs: 100,
  clockDriftMs: 50,
  /** Share of the machine's cores that client and server use together. */
  coresInUse: 0.9,
  /** Share of the planned requests that were not sent. */
  rateSuspect: 0.01,
  rateInvalid: 0.05,
  /** Client lag as a share of the response time. */
  lagSuspect: 0.1,
  lagInvalid: 0.3,
  /**
   * Distance of the gaps from the exponential distribution; dispersion of counts; variation of a constant rate's gaps.
   */
  gapDistance: 0.05,
  /** Of fewer arrivals one that is late looks like many. */
  arrivalsMin: 100,
  /** Of few gaps the distance is larger by chance: in 1 of 100 cases by this over the root of their number. */
  gapDistanceChance: 1.63,
  dispersionPoisson: 0.2,
  dispersionConstant: 0.05,
  gapVariation: 0.1,
  /** Share of the time that a worker is busy; share of the machine's time that the hypervisor gave to others. */
  busySuspect: 0.5,
  busyInvalid: 0.8,
  steal: 0.01,
  throttledMs: 0,
  /**
   * Cores that other programs use: a tenth of one, or of a large machine this share, as its cores are rarely all in use. The wait of our
   * threads for a core is shown beside it and is no limit of its own: on few cores client and server wait for each other.
   */
  otherCores: 0.1,
  otherShare: 0.025,
  /**
   * How many times further apart the cores were in some seconds than in others; by how much p50 has to be higher then; and
   * the seconds in which both must be known. On two cores of one chip of an EPYC it is 190 ns, on two chips 540.
   */
  coreDistance: 1.4,
  slowerApart: 0.05,
  distanceSecondsMin: 4,
  /** Ports that connections have taken, as a share of those that the kernel finds at once. */
  portsInUse: 0.8,
  /** Throughput as a share of the client's ceiling, which is measured with a null server. */
  ceiling: 0.7,
  /** Of the requests of a loop, those that may fail, reopen their connection or be heartbeats without changing the ceiling. */
  otherWork: 0.01,
  /** A client that is busy for more than this share of the time limits the run, whatever the null server shows. */
  ceilingBusy: 0.9,
  /** Cores that a server of one thread uses when it is busy all the time. */
  oneCore: [0.9, 1.05],
  /** Cores of this machine that must be idle for a trial with one worker more: it shares its work with the others. */
  idleCores: 0.8,
  /** By which share a trial must find more: a run of two seconds scatters by less than the first. */
  trialNote: 0.05,
  trialSuspect: 0.1,
  /** Share of the slots of a closed loop that are in use. */
  slotsInUse: 0.98,
  /** By which share the first part of a run, where it differs from the rest, may change the figure of the whole. */
  warmupEffect: 0.02,
  /** Drift of throughput and mean response time over the measured part, and the z-score above which it is certain. */
  drift: driftMax,
  driftZ: 2.58,
  /** So many standard errors of a drift have to be beyond its limit: by chance it is so in 1 of 20 runs with exactly that drift. */
  driftErrors: 1.645,
  /** Half of the 95 % interval as a share of its quantile. 0.1 for all would be missed by p99 on any shared machine. */
  interval: { p50: 0.1, p90: 0.2, p99: 0.5 },
  /**
   * What is left of a measured interval when chance has made it too wide: √(9 / 16.919), with chi-square at 95 % for the nine
   * degrees of freedom of ten sections. In 1 of 20 runs an interval of exactly the limit is measured wider than that.
   */
  intervalCertain: 0.729,
  /** Requests in each of the ten sections of which the interval is made. */
  requestsPerSectionMin: 10,
  /** What a relay may add to a round trip: a share of the one that it simulates, or milliseconds. */
  relayLate: 0.05,
  relayLateMs: 0.1,
  balance: 0.95,
  /** How many times the variance of a fair share by chance counts are allowed where each connection has few requests. */
  balanceChance: 3,
  /** In a loop: the slowest reply as a multiple of p99. */
  loopStall: 100,
  /** Share of the replies beyond p99 that retransmissions may account for. */
  retransmits: 0.1,
} as const
