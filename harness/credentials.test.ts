import { expect, test } from 'vitest'
import { credentialsOf, isCredentialHeader, isTemplate } from './credentials.ts'

test.each([
  ...[
    'Authorization',
    'proxy-authorization',
    'X-Authorization',
    'Cookie',
    'Set-Cookie',
    'X-Api-Key',
    'apikey',
    'Api-Key',
  ],
  ...['X-Auth-Token', 'X-Amz-Security-Token', 'PRIVATE-TOKEN', 'X-CSRF-Token', 'Ocp-Apim-Subscription-Key', 'X-Auth'],
  ...['x-functions-key', 'X-Vault-Token', 'X-Goog-Api-Key', 'X-Session-Id', 'X-Hub-Signature-256', 'X-Client-Secret'],
])('isCredentialHeader() knows %s', name => {
  expect(isCredentialHeader(name)).toBe(true)
})

test.each([
  'Accept',
  'Host',
  'User-Agent',
  'Idempotency-Key',
  'Sec-WebSocket-Key',
  'X-Request-Id',
  'Content-Type',
  'ETag',
])('isCredentialHeader() leaves %s alone', name => {
  expect(isCredentialHeader(name)).toBe(false)
})

test('credentialsOf() has the whole value and the parts that a server may send back', () => {
  expect(credentialsOf('Bearer abc123')).toEqual(['Bearer abc123', 'abc123'])
  const basic = Buffer.from('ann:opensesame').toString('base64')
  expect(credentialsOf(`Basic ${basic}`)).toEqual([`Basic ${basic}`, basic, 'ann:opensesame', 'opensesame'])
  expect(credentialsOf('sid=opensesame; theme=dark')).toEqual(['sid=opensesame; theme=dark', 'opensesame'])
  expect(credentialsOf('k3y')).toEqual(['k3y'])
})

test('isTemplate() is true of a value that is all filled in later', () => {
  for (const value of ['{{token}}', 'Bearer {{token}}', 'sid={{sid}}']) expect(isTemplate(value)).toBe(true)
  for (const value of ['Bearer abc', 'abc{{seq}}', 'Bearer abc{{seq}}']) expect(isTemplate(value)).toBe(false)
})
