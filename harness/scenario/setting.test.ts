import { expect, test } from 'vitest'
import { parseSet } from './setting.ts'
import { faultLines } from './testing/faults.ts'

test.each([
  ['load.pipeline=4', ['load', 'pipeline'], 4],
  ['name=x', ['name'], 'x'],
  ['loop.0.send=hello world', ['loop', 0, 'send'], 'hello world'],
  ['loop[0].send= "5" ', ['loop', 0, 'send'], '5'],
  ['tls.insecure=true', ['tls', 'insecure'], true],
  ['thresholds=[p99 < 5ms, errors < 1%]', ['thresholds'], ['p99 < 5ms', 'errors < 1%']],
  ['target={ serve: tlv }', ['target'], { serve: 'tlv' }],
  ['description=', ['description'], null],
  ['description=a=b', ['description'], 'a=b'],
  ['loop.0.send=GET: x', ['loop', 0, 'send'], 'GET: x'],
  ['loop.0.send=- x', ['loop', 0, 'send'], '- x'],
  ['loop.0.send=a # b', ['loop', 0, 'send'], 'a # b'],
  ['loop.0.send=${HOME}', ['loop', 0, 'send'], '${HOME}'],
])('parseSet() reads "%s"', (text, path, value) => {
  const override = parseSet(text)
  expect(override.path).toEqual(path)
  expect(override.value).toEqual(value)
  expect(override.origin).toBe(`--set ${text.slice(0, text.indexOf('='))}`)
})

test.each([
  ['load.pipeline', '--set expected path=value such as load.pipeline=4, got "load.pipeline"'],
  ['=4', '--set expected path=value such as load.pipeline=4, got "=4"'],
  ['load..pipeline=4', '--set expected path=value such as load.pipeline=4, got "load..pipeline=4"'],
  ['', '--set expected path=value such as load.pipeline=4, got ""'],
  ['name=[a', '--set name not valid YAML: Flow sequence must end with a ]; put the value in quotes to make it text'],
  ['name=*a', '--set name no earlier value has the anchor &a; put the value in quotes to make it text'],
  [
    `name=${'['.repeat(50)}`,
    '--set name expected at most 32 levels of nesting, got more; put the value in quotes to make it text',
  ],
])('parseSet() refuses "%s"', (text, fault) => {
  expect(faultLines(() => parseSet(text))).toEqual([fault])
})
