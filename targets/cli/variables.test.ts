import { expect, test } from 'vitest'
import { withoutForeignVariables } from './variables.ts'

const common = { listen: '0', seed: '1', workers: '1' }
const secrets = { key: 'k', layerKey: 'l', secret: 's' }

test.each([
  ['echo', {}, []],
  ['tlv', {}, ['key']],
  ['tlv', { layers: 'gzip,crc32' }, ['key']],
  ['tlv', { layers: 'gzip, hmac-sha1' }, ['key', 'layerKey']],
  ['rpc', {}, []],
  ['rpc', { group: 'a' }, ['secret']],
])('withoutForeignVariables() keeps of the variables for %s with %j: %j', (name, flags, kept) => {
  const options = { ...common, ...secrets, ...flags }
  const all = Object.keys(secrets)
  const names = (isExported: boolean) =>
    Object.keys(withoutForeignVariables(name, options, () => isExported)).filter(option => all.includes(option))
  expect(names(true)).toEqual(kept)
  expect(names(false)).toEqual(all)
})
