import { expect, test } from 'vitest'
import { withVariables } from './variables.ts'

const environment = { VOLLEY_SERVE_KEY: 'k', VOLLEY_SERVE_LAYER_KEY: 'l', VOLLEY_SERVE_SECRET: 's' }
const flags = { key: 'own k', layerKey: 'own l', secret: 'own s' }

test.each([
  ['echo', {}, {}],
  ['tlv', {}, { key: 'k' }],
  ['tlv', { layers: 'gzip,crc32' }, { key: 'k' }],
  ['tlv', { layers: 'gzip, hmac-sha1' }, { key: 'k', layerKey: 'l' }],
  ['tlv', { layers: 'crc32:before,hmac-sha1:before' }, { key: 'k', layerKey: 'l' }],
  ['rpc', {}, {}],
  ['rpc', { group: 'a' }, { secret: 's' }],
])('withVariables() takes the variables that %s with %j can use: %j', (server, given, taken) => {
  expect(withVariables(server, given, environment)).toEqual({ ...given, ...taken })
})

test.each(['echo', 'tlv', 'rpc'])('withVariables() keeps every flag of %s, and prefers it to a variable', server => {
  const given = { ...flags, layers: 'hmac-sha1', group: 'a' }
  expect(withVariables(server, given, environment)).toEqual(given)
})
