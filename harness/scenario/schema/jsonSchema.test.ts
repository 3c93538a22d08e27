import { expect, test } from 'vitest'
import { z } from 'zod'
import { scenarioJsonSchema } from './jsonSchema.ts'
import { scenarioShape } from './schema.ts'

const serverOptions = {
  poolSize: 1000,
  maxFrame: '1MiB',
  idleTimeout: '1m30s',
  stall: '1s/10s',
  busyWait: true,
  seed: '${SEED}',
  layers: 'gzip,hmac-sha1:before',
  reply: 5,
}

const sample = {
  name: 'x',
  target: { serve: 'tlv', options: serverOptions },
  environments: { lan: { address: 'tcp://h:1' }, own: { command: 'run', address: 'tcp://h:1' } },
  protocol: { frame: { lengthBytes: 2, maxFrame: '64KiB', id: { offset: 4, bytes: 4 } } },
  layers: ['gzip', 'crc32:before', { 'hmac-sha1': { place: 'before' } }],
  layerKey: 'k',
  connections: 10,
  connect: [{ send: { type: 9, body: { hex: '0a' } }, expect: { type: 9 }, capture: { token: 'json:access.token' } }],
  load: { mode: 'loop', pipeline: '1k' },
  duration: '${DURATION}',
  warmup: 0,
  reconnect: { when: 'failure', backoff: '100ms..5s' },
  loop: [
    { send: 'hi', expect: 'echo', think: '1ms' },
    { send: { random: '1KiB' }, think: { mean: '1s', spread: 'exponential' } },
  ],
  heartbeat: { every: '10s', send: { type: 0 } },
  thresholds: ['p99 < 5ms'],
  workers: 'auto',
  sourceAddresses: ['127.0.0.2-127.0.0.9', '::1'],
}

/** Checks with the JSON Schema alone, as an editor does. Zod cannot read `required` without properties. */
function accepts(value: unknown): boolean {
  const { oneOf: _, ...schema } = scenarioJsonSchema()
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(value).success
}

test('scenarioJsonSchema() describes every key of a scenario', () => {
  const schema = scenarioJsonSchema() as {
    title: string
    properties: Record<string, { description?: string; $ref?: string }>
    definitions: Record<string, { description?: string }>
  }
  expect(schema).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#', title: 'Volley scenario' })
  expect(Object.keys(schema.properties)).toEqual(Object.keys(scenarioShape))
  for (const { description, $ref } of Object.values(schema.properties)) {
    expect(description ?? schema.definitions[$ref!.split('/').at(-1)!]?.description).toMatch(/\w/)
  }
})

test('scenarioJsonSchema() has defaults in the form of a file', () => {
  expect(scenarioJsonSchema()).toMatchObject({
    required: ['name', 'target', 'protocol'],
    oneOf: [{ required: ['loop'] }, { required: ['mix'] }, { required: ['clients'] }],
    properties: {
      connections: { default: 10 },
      timeout: { default: '5s' },
      load: { properties: { mode: { enum: ['loop', 'rate', 'search', 'once'] }, pipeline: { default: 1 } } },
      reconnect: { properties: { backoff: { default: '100ms..5s' } } },
    },
  })
})

test('scenarioJsonSchema() accepts a scenario with settings of every kind', () => {
  expect(accepts(sample)).toBe(true)
})

test('scenarioJsonSchema() accepts requests of HTTP', () => {
  const send = { method: 'POST', path: '/a', headers: { Accept: '*/*' }, body: 'b' }
  const loop = [{ send, expect: { status: 200 } }, { send: 'GET /' }]
  expect(accepts({ ...sample, target: { serve: 'http' }, protocol: { http: { host: 'h' } }, loop })).toBe(true)
})

test('scenarioJsonSchema() accepts groups of connections', () => {
  const { loop, connect, connections: _, ...others } = sample
  const groups = [{ name: 'listeners', connections: '1k', connect }, { loop }, { mix: [{ send: 'a', weight: 2 }] }]
  expect(accepts({ ...others, clients: groups })).toBe(true)
  expect(accepts({ ...others, clients: [{ steps: loop }] })).toBe(false)
  expect(accepts({ ...others, clients: [] })).toBe(false)
})

test.each([
  ['an unknown key', { conections: 5 }],
  ['a duration without a unit', { duration: 10 }],
  ['an unknown layer', { layers: ['zstd'] }],
  ['a place of a layer that has none', { layers: [{ gzip: { place: 'before' } }] }],
  ['an unknown place of a layer', { layers: [{ crc32: { place: 'behind' } }] }],
  ['an unknown server', { target: { serve: 'tvl' } }],
  ['an unknown option of a server', { target: { serve: 'tlv', options: { poolsize: 5 } } }],
  ['an option with too large a number', { target: { serve: 'tlv', options: { workers: 65 } } }],
  ['an option with a duration without a unit', { target: { serve: 'tlv', options: { idleTimeout: 15 } } }],
  ['a flag that is not true or false', { target: { serve: 'tlv', options: { busyWait: 'yes' } } }],
  ['an option that only the command line has', { target: { serve: 'tlv', options: { detach: true } } }],
  ['a method without framed replies', { loop: [{ send: { method: 'HEAD', path: '/' } }] }],
  ['no source addresses', { sourceAddresses: [] }],
  ['a word in place of source addresses', { sourceAddresses: 'all' }],
  ['an unknown source of a capture', { connect: [{ send: 'a', capture: { token: 'header:x' } }] }],
  ['a step without send', { loop: [{ think: '1ms' }] }],
  ['a pause of an unknown distribution', { loop: [{ send: 'a', think: { mean: '1s', spread: 'normal' } }] }],
  ['a pause without its mean', { loop: [{ send: 'a', think: { spread: 'uniform' } }] }],
])('scenarioJsonSchema() refuses %s', (_, change) => {
  expect(accepts({ ...sample, ...change })).toBe(false)
})
