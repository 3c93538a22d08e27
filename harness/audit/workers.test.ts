import { expect, test } from 'vitest'
import { oneWorker } from './testing/healthy.ts'
import { auditWorkers, type WorkersInputs } from './workers.ts'

const said = (change: Partial<WorkersInputs>) =>
  auditWorkers({ ...oneWorker, ...change }).map(({ code, severity, message }) => `${code} ${severity}: ${message}`)

test('auditWorkers() finds nothing in as many workers as were asked for, up to one for each core', () => {
  expect(said({})).toEqual([])
  expect(said({ started: 2, asked: 2 })).toEqual([])
})

test('auditWorkers() doubts workers that share cores, and says what was asked for and what was done', () => {
  expect(said({ started: 3, asked: 3 })).toEqual(['workers suspect: 3 workers share 2 cores'])
  expect(said({ started: 5, asked: 100, connections: 5 })).toEqual([
    'workers suspect: 5 workers share 2 cores (100 were asked for, but a worker needs a connection and there are 5)',
  ])
  expect(auditWorkers({ ...oneWorker, started: 3, asked: 3 })[0]!.hint).toContain('(-w 2)')
})

test('auditWorkers() notes that fewer were started than asked for', () => {
  expect(said({ started: 1, asked: 2, connections: 1 })).toEqual([
    'workers note: 1 worker was started: 2 were asked for, but a worker needs a connection and there is 1',
  ])
  expect(said({ started: 1, asked: 2, connections: 1, areSpeakers: true })).toEqual([
    'workers note: 1 worker was started: 2 were asked for, but a worker needs a connection that sends and there is 1',
  ])
})
