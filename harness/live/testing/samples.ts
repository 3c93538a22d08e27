import type { RunTitle, Snapshot } from '../../metrics/snapshot.ts'

/** The title of a made-up run, for tests. */
export const sampleTitle: RunTitle = {
  name: 'tlv-loopback',
  what: 'tlv over tcp://127.0.0.1:41233',
  load: 'loop, 10 connections x 1',
  how: 'node, 1 worker',
  warmupMs: 2000,
}

/** A made-up run after seven seconds, for tests. */
export const sampleSnapshot: Snapshot = {
  elapsedMs: 7000,
  phase: 'measuring',
  totalMs: 12_000,
  sent: 829_294,
  completed: 829_284,
  failed: 0,
  inFlight: 10,
  bytesSent: 16_585_880,
  bytesReceived: 16_585_680,
  failures: {},
  connections: { open: 10, wanted: 10 },
  requestsPerSecond: 138_214,
  bytesPerSecond: { sent: 2_626_066, received: 2_626_066 },
  history: [96_000, 131_022, 138_400, 137_900, 141_870, 134_100, 138_214],
  response: { count: 690_120, mean: 0.071, p50: 0.068, p90: 0.102, p99: 0.21, p999: 1.1, p9999: 2.4, max: 3.9 },
  distribution: {
    fromMs: 0.01,
    toMs: 10,
    counts: [
      0, 0, 0, 0, 0, 12, 800, 9000, 40_000, 120_000, 210_000, 160_000, 80_000, 40_000, 16_000, 7000, 4200, 1200, 700,
      320, 280, 120, 60, 40, 90, 160, 220, 90, 12, 4, 0, 0, 2, 0, 0, 0,
    ],
  },
  clientCores: 0.923,
  server: { cores: 0.968, cpuMicrosPerRequest: 6.1 },
}
