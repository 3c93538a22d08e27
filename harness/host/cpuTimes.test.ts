import { expect, test } from 'vitest'
import { allowedCores, cpuTimes } from './cpuTimes.ts'

const stat = `cpu  60 6 30 600 3 0 9 12 0 0
cpu0 10 1 5 100 1 0 2 3 0 0
cpu1 20 2 10 200 1 0 3 4 0 0
cpu2 30 3 15 300 1 0 4 5 0 0
intr 1 2 3 4 5 6 7 8 9
`
const whole = { ticks: [60, 6, 30, 600, 3, 0, 9, 12], cores: 3, isPart: false }
const cores = (...all: number[]) => new Set(all)

test('cpuTimes() are those of the cores that a process may use', () => {
  expect(cpuTimes(stat, cores(0, 2))).toEqual({ ticks: [40, 4, 20, 400, 2, 0, 6, 8], cores: 2, isPart: true })
  // Of the cores that a machine could have, most may not be there.
  expect(cpuTimes(stat, cores(1, 7, 63))).toEqual({ ticks: [20, 2, 10, 200, 1, 0, 3, 4], cores: 1, isPart: true })
})

test('cpuTimes() are those of the machine where a process may use every core, or nothing is known of that', () => {
  expect(cpuTimes(stat, cores(0, 1, 2, 3))).toEqual(whole)
  expect(cpuTimes(stat, undefined)).toEqual(whole)
  expect(cpuTimes(stat, cores(9))).toEqual(whole)
  expect(cpuTimes('cpu  1 2 3 4 5 6 7 8 9 10\n', cores(0))).toEqual({
    ticks: [1, 2, 3, 4, 5, 6, 7, 8],
    cores: undefined,
    isPart: false,
  })
})

test.each(['', 'cpu \n', 'cpu  1 2 3\n', 'cpu  a b c d e f g h\n', 'cpu0 1 2 3 4 5 6 7 8\n', '\0\u00ff'])(
  'cpuTimes() of %j are not known',
  text => {
    expect(cpuTimes(text, undefined)).toBeUndefined()
  },
)

test.each<[string | undefined, number[] | undefined]>([
  ['Name:\tnode\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n', [0, 1]],
  ['Cpus_allowed_list:\t0,2-4,15\nMems_allowed_list:\t0\n', [0, 2, 3, 4, 15]],
  ['Cpus_allowed_list:\t7', [7]],
  ['Cpus_allowed_list:\t3-1,-\n', []],
  ['Cpus_allowed_list:\n', undefined],
  ['Name:\tnode\n', undefined],
  [undefined, undefined],
])('allowedCores() of %j are %j', (status, expected) => {
  const found = allowedCores(status)
  expect(found && [...found]).toEqual(expected)
})

test('allowedCores() is bounded whatever the list says', () => {
  expect(allowedCores('Cpus_allowed_list:\t0-999999999999\n')!.size).toBe(8192)
})
