import { z } from 'zod'
import { UserError } from '../errors.ts'
import { failureKinds } from '../failures.ts'
import { sampleKinds } from '../metrics/samples.ts'
import { type Report, reportSchema } from './record.ts'

const count = z.number().nonnegative()
const optional = z.number().optional()
const pair = z.looseObject({ sent: count, completed: count })

const latency = z.looseObject({
  count,
  mean: z.number(),
  p50: optional,
  p75: optional,
  p90: optional,
  p95: optional,
  p99: optional,
  p999: optional,
  p9999: optional,
  max: z.number(),
  hdr: z.string().optional(),
})

const sample = z.looseObject({
  kind: z.enum(sampleKinds),
  step: z.string().optional(),
  status: optional,
  count,
  second: count,
  length: count,
  text: z.string().optional(),
  hex: z.string().optional(),
  announced: optional,
  expected: z.string().optional(),
  why: z.string().optional(),
})

/** The fields that readers of a report rely on; fields that a later version adds pass through. */
const report = z.looseObject({
  tool: z.looseObject({ name: z.literal('volley'), version: z.string() }),
  scenario: z.looseObject({
    name: z.string(),
    target: z.looseObject({}),
    protocol: z.looseObject({ name: z.string() }),
    connections: count,
    load: z.looseObject({ mode: z.string(), pipeline: count }),
    duration: count,
    warmup: z.union([count, z.literal('auto')]),
    reconnect: z.looseObject({ when: z.string() }),
    thresholds: z.array(z.looseObject({ expression: z.string(), metric: z.string() })),
  }),
  target: z.string(),
  seed: z.number(),
  environment: z.looseObject({
    cpu: z.string(),
    cores: count,
    memoryBytes: count,
    platform: z.string(),
    kernel: z.string(),
    node: z.string(),
    loadAverage: z.array(z.number()),
  }),
  startedAt: z.string(),
  transport: z.string(),
  transportReason: z.string().optional(),
  workers: count,
  window: z.looseObject({ seconds: count, warmupSeconds: count, completed: count, failed: count }),
  totals: z.looseObject({
    sent: count,
    completed: count,
    failed: count,
    inFlightAtEnd: count,
    bytesSent: count,
    bytesReceived: count,
    failures: z.partialRecord(z.enum(failureKinds), count),
    late: count.optional(),
    idleCloses: count.optional(),
    givenUp: count.optional(),
    oneWay: count.optional(),
    connects: count,
    handshakes: pair,
    heartbeats: pair,
    answers: count.optional(),
  }),
  throughput: z.looseObject({ mean: count, perSecond: z.array(z.number()) }),
  availability: optional,
  latencyMs: z.looseObject({ response: latency, service: latency, connect: latency, failed: latency.optional() }),
  datagrams: z.looseObject({ lost: count, duplicates: count, reordered: count }).optional(),
  deliveries: z.looseObject({ count, expected: count, perSecond: count, latencyMs: latency }).optional(),
  steps: z.array(
    z.looseObject({ name: z.string(), response: latency, failed: count.optional(), oneWay: count.optional() }),
  ),
  samples: z.array(sample).optional(),
  replies: z.array(sample).optional(),
  statusCodes: z.record(z.string(), count).optional(),
  errorReplies: z.record(z.string(), count).optional(),
  silence: z.string().optional(),
  intervals: z.array(z.looseObject({ second: count, completed: count, failed: count, perSecond: z.number() })),
  client: z.looseObject({
    cpuMicrosPerRequest: z.number(),
    cores: z.number(),
    ceiling: z.looseObject({ nullPerSecond: count, cached: z.boolean() }).optional(),
    trial: z.looseObject({ workers: count, perSecond: count, seconds: count }).optional(),
  }),
  server: z.looseObject({ requests: optional, cpuMicrosPerRequest: optional, cores: optional }).optional(),
  machine: z
    .looseObject({ otherCores: count, programs: z.array(z.looseObject({ name: z.string(), cores: count })) })
    .optional(),
  findings: z.array(
    z.looseObject({
      code: z.string(),
      severity: z.enum(['note', 'unproven', 'suspect', 'invalid']),
      message: z.string(),
      hint: z.string(),
      explainedBy: z.string().optional(),
    }),
  ),
  verdict: z.enum(['trusted', 'unproven', 'suspect', 'invalid']),
  thresholds: z.array(
    z.looseObject({ expression: z.string(), actual: optional, isBound: z.literal(true).optional(), ok: z.boolean() }),
  ),
  interrupted: z.boolean(),
  error: z.string().optional(),
})

/** Checks that a value read from a file is a report; throws a UserError with every fault. */
export function checkReport(value: unknown, file: string): Report {
  const schema = typeof value === 'object' && value !== null && 'schema' in value ? value.schema : undefined
  if (schema !== reportSchema) {
    const found = schema === undefined ? 'found none' : `got ${JSON.stringify(schema)}`
    throw new UserError(
      [{ place: file, message: `expected a report with schema "${reportSchema}", ${found}` }],
      'name a report.json that "volley run" saved',
    )
  }
  const checked = report.safeParse(value)
  if (checked.success) return value as Report
  throw new UserError(
    checked.error.issues.map(({ path, message }) => ({
      place: file,
      message: `${path.join('.')}: ${message.replace(/^Invalid (input|option|key in record): /, '')}`,
    })),
    'this report is incomplete: it may have been edited, or written by another version',
  )
}
