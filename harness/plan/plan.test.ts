import fc from 'fast-check'
import { expect, test } from 'vitest'
import { composeProtocol } from '../protocols/composed.ts'
import { parseScenario } from '../scenario/load.ts'
import { resolveProtocol } from '../scenario/resolve.ts'
import { planRun, share, shareStart, workerCount } from './plan.ts'
import { encodeRequests } from './requests.ts'

test('share() divides exactly, into parts that differ by at most one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 256 }), (total, parts) => {
      const shares = Array.from({ length: parts }, (_, index) => share(total, parts, index))
      expect(shares.reduce((sum, part) => sum + part, 0)).toBe(total)
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      for (let index = 0; index < parts; index++) {
        expect(shareStart(total, parts, index)).toBe(shares.slice(0, index).reduce((sum, part) => sum + part, 0))
      }
    }),
  )
})

test('workerCount() is one per two cores with a local target, and never more than the connections', () => {
  const scenario = { workers: 'auto', connections: 100 } as Parameters<typeof workerCount>[0]
  expect(workerCount(scenario, 8, true)).toBe(4)
  expect(workerCount(scenario, 8, false)).toBe(8)
  expect(workerCount(scenario, 1, true)).toBe(1)
  expect(workerCount({ ...scenario, connections: 3 }, 8, false)).toBe(3)
  expect(workerCount({ ...scenario, workers: 6 }, 2, true)).toBe(6)
})

test('planRun() deals the connections of groups out to workers, those that send first', () => {
  const group = fc.record({ connections: fc.integer({ min: 1, max: 200 }), speaks: fc.boolean() })
  fc.assert(
    fc.property(fc.array(group, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 16 }), (groups, wanted) => {
      fc.pre(groups.some(({ speaks }) => speaks))
      const text = groups
        .map(({ connections, speaks }) => `{ connections: ${connections}${speaks ? ', loop: [ { send: a } ]' : ''} }`)
        .join(', ')
      const { scenario } = parseScenario(
        `name: x\ntarget: { address: "tcp://h:1" }\nprotocol: line\nworkers: ${wanted}\nclients: [ ${text} ]`,
        's.yaml',
        [],
        {},
      )
      const protocol = resolveProtocol(scenario)
      const bank = encodeRequests(scenario, composeProtocol(protocol), { files: new Map(), rows: [] }, 1)
      const workers = workerCount(scenario, 4, false)
      const address = { scheme: 'tcp', host: 'h', port: 1 } as const
      const plan = planRun(scenario, { address, protocol, bank, transport: 'node', seed: 1, workers })
      const speaking = groups.filter(({ speaks }) => speaks)
      const sorted = [...speaking, ...groups.filter(({ speaks }) => !speaks)]
      sorted.forEach(({ connections }, number) => {
        const links = plan.workers.map(worker => worker.groups[number]!.links)
        expect(links.reduce((sum, own) => sum + own, 0)).toBe(connections)
        expect(Math.max(...links) - Math.min(...links)).toBeLessThanOrEqual(1)
      })
      const senders = speaking.reduce((sum, { connections }) => sum + connections, 0)
      plan.workers.forEach((worker, index) => {
        expect(worker.connections).toBe(worker.groups.reduce((sum, { links }) => sum + links, 0))
        expect(worker.speakingLinks).toBe(share(senders, workers, index))
        expect(worker.speakingLinks).toBeGreaterThan(0)
        expect(worker.groups.map(({ loopFrom, loopEnd }) => loopEnd > loopFrom)).toEqual(
          sorted.map(({ speaks }) => speaks),
        )
      })
    }),
    { numRuns: 50 },
  )
})
