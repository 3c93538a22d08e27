import { type BenchResults, resultsSchema, type SideRecord } from '../results.ts'

function side(name: string, medians: SideRecord['medians']): SideRecord {
  return { name, command: `run ${name}`, rounds: [{ figures: medians }, { figures: medians }], medians }
}

/** Invented results with a row of every kind. */
export const sampleResults: BenchResults = {
  schema: resultsSchema,
  startedAt: '2026-11-21T09:30:12.000Z',
  endedAt: '2026-11-21T09:38:12.000Z',
  volley: '0.1.0',
  machine: {
    cpu: 'Imaginary 3000',
    cores: 2,
    memoryBytes: 8_589_934_592,
    platform: 'linux-x64',
    kernel: '6.1.0',
    node: 'v20.20.2',
    loadAverage: [0.4, 0.3, 0.2],
  },
  settings: { rounds: 5, seconds: 2 },
  pinned: { client: '0', server: '1' },
  peers: [{ name: 'cc', version: '12.2.0' }, { name: 'wrk', version: '4.1.0' }, { name: 'sockperf' }],
  goals: [
    {
      id: 'P1',
      title: 'echo: CPU per request against a C epoll client',
      groups: [
        {
          name: '50 connections, 12 bytes',
          server: 'taskset -c 1 /tmp/echo-server 1',
          sides: [
            side('C epoll client', { requestsPerSecond: 221_000, cpuMicros: 4.4 }),
            {
              ...side('volley node', { requestsPerSecond: 148_214, cpuMicros: 6.71, p50Micros: 340 }),
              rounds: [{ figures: { cpuMicros: 6.71 } }, { figures: {}, error: '12 requests failed' }],
            },
          ],
        },
      ],
      rows: [
        {
          name: 'node',
          figure: 'cpuMicros',
          bound: { atMost: 1.5 },
          ours: { side: 'volley node', value: 6.71 },
          theirs: { side: 'C epoll client', value: 4.4 },
          spread: { each: [1.48, 1.52, 1.61], min: 1.48, median: 1.52, max: 1.61 },
          verdict: 'missed',
        },
        {
          name: 'node',
          figure: 'requestsPerSecond',
          ours: { side: 'volley node', value: 148_214 },
          theirs: { side: 'C epoll client', value: 221_000 },
          spread: { each: [0.67], min: 0.67, median: 0.67, max: 0.67 },
          verdict: 'for comparison',
        },
      ],
      notes: [],
    },
    {
      id: 'P3',
      title: 'pipeline 16: requests/s per client core',
      groups: [
        {
          name: 'a group whose name is longer than the column of its sides',
          server: 'x',
          sides: [side('volley epoll', { requestsPerCore: 2_813_400 })],
        },
      ],
      rows: [
        {
          name: 'frames, epoll',
          figure: 'requestsPerCore',
          bound: { atLeast: 2_500_000 },
          ours: { side: 'volley epoll', value: 2_813_400 },
          spread: { each: [2_700_000, 2_813_400, 2_900_000], min: 2_700_000, median: 2_813_400, max: 2_900_000 },
          verdict: 'met',
        },
        {
          name: 'PING, node',
          figure: 'requestsPerCore',
          bound: { atLeast: 1 },
          verdict: 'not measured',
          reason: 'redis-server not installed',
        },
        {
          name: 'PING, epoll',
          figure: 'requestsPerCore',
          bound: { atLeast: 1 },
          verdict: 'not measured',
          reason: 'redis-server not installed',
        },
      ],
      notes: ['a note that is long enough for it to be wrapped, for it has more than eighty characters in it'],
    },
  ],
}
