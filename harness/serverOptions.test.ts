import { expect, test } from 'vitest'
import {
  clientProtocols,
  conflictsOf,
  flagOf,
  type OptionTexts,
  optionEntries,
  type ServerName,
  serverOptions,
} from './serverOptions.ts'

function conflicts(
  option: keyof typeof serverOptions,
  texts: OptionTexts,
  server: ServerName = 'tlv',
  overUdp = false,
) {
  return conflictsOf(option, texts, { server, overUdp, show: name => name })
}

test('the rules of options refer only to options that exist', () => {
  const names = Object.keys(serverOptions)
  for (const [, { needs, conflicts = [], notFor = {} }] of optionEntries) {
    const others = [...(needs?.oneOf ?? []), ...conflicts.flatMap(conflict => conflict.with)]
    for (const { message } of conflicts) others.push(...[...message.matchAll(/\{(\w+)\}/g)].map(match => match[1]!))
    expect(others.filter(name => !names.includes(name))).toEqual([])
    expect(Object.keys(notFor)).not.toContain('relay')
  }
})

test('clientProtocols() adds frame where its settings can describe what the server speaks', () => {
  expect(clientProtocols('echo')).toEqual(['raw', 'line', 'frame'])
  expect(clientProtocols('tlv')).toEqual(['tlv', 'frame'])
  expect(clientProtocols('rpc')).toEqual(['rpc', 'frame'])
  expect(clientProtocols('http')).toEqual(['http'])
})

test('flagOf() turns a name into a flag', () => {
  expect(['seed', 'poolSize', 'maxSendBuffer'].map(flagOf)).toEqual(['--seed', '--pool-size', '--max-send-buffer'])
})

test('conflictsOf() ignores an option that is not given or has its default', () => {
  expect(conflicts('shuffle', {}, 'echo')).toEqual([])
  expect(conflicts('workers', { workers: '1' }, 'broadcast', true)).toEqual([])
  expect(conflicts('maxConnections', { maxConnections: '9', workers: '1' })).toEqual([])
})

test('conflictsOf() names options by the given function, and leaves out those that cannot be set', () => {
  const texts = { reloadTimeout: '1s' }
  const show = (name: string) => (name === 'detach' ? undefined : `<${name}>`)
  expect(conflictsOf('reloadTimeout', texts, { server: 'tlv', overUdp: false, show })).toEqual([
    'goes with <reloadEvery>',
  ])
  expect(conflicts('reloadTimeout', texts)).toEqual(['goes with detach or reloadEvery'])
  expect(conflicts('reloadTimeout', { ...texts, reloadEvery: '1s' })).toEqual([])
})

test('conflictsOf() checks an option that the server does not have against nothing else', () => {
  expect(conflicts('shuffle', { shuffle: '2', poolSize: '2' }, 'echo')).toEqual(['is for rpc, not for echo'])
  expect(conflicts('shuffle', { shuffle: '2', poolSize: '2', stall: '1s/2s' }, 'rpc')).toEqual([
    'is not for a server with a job pool',
  ])
})
