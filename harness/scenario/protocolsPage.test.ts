import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../built.ts'
import { encodeRequests } from '../plan/requests.ts'
import { composeProtocol } from '../protocols/composed.ts'
import { parseScenario } from './load.ts'
import { resolveProtocol } from './resolve.ts'

const page = readFileSync(join(packageRoot, 'docs/protocols.md'), 'utf8')
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(match => match[1]!)

test('docs/protocols.md has examples', () => {
  expect(examples.length).toBeGreaterThan(7)
})

test.each(examples)('an example of docs/protocols.md is a scenario whose requests can be sent: %s', example => {
  const target = example.includes('target:') ? '' : 'target: { address: "tcp://127.0.0.1:1" }\n'
  const text = `name: example\n${target}${example}`
  const { scenario } = parseScenario(text, 'example.yaml', [], {})
  const protocol = composeProtocol(resolveProtocol(scenario))
  const { frames } = encodeRequests(scenario, protocol, { files: new Map(), rows: [] }, 1)
  expect(frames.length).toBeGreaterThan(0)
})

test('docs/protocols.md links to places that it has', () => {
  const places = [...page.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  )
  const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, place]) => place!)
  expect(links.filter(link => !places.includes(link))).toEqual([])
})
