import { defineConfig } from 'vitest/config'

const folders = ['harness', 'targets', 'bench']
const named = (suffix: string) => folders.map(folder => `${folder}/**/*.${suffix}`)
/** Tests that start programs of their own mostly wait for them. */
const spawning = named('process.test.ts')
/** Tests that need many seconds, or try again what a quicker test has tried: for `npm run test:all`. */
const slow = named('slow.test.ts')

const common = { testTimeout: 30_000, hookTimeout: 30_000 }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: named('test.ts'),
          exclude: [...spawning, ...slow],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'process', include: spawning, maxWorkers: 3, sequence: { groupOrder: 1 } } },
      { test: { ...common, name: 'slow', include: slow, maxWorkers: 2, sequence: { groupOrder: 2 } } },
    ],
  },
})
