import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const folders = ['harness', 'targets', 'bench']
const named = (suffix: string) => folders.map(folder => `${folder}/**/*.${suffix}`)
/** Tests that start programs of their own, or wait, mostly leave the processor idle. */
const processTests = named('process.test.ts')
/** Tests that need many seconds, or repeat in full what a quicker test checks in part: for `npm run test:all`. */
const slowTests = named('slow.test.ts')
/** Slow tests that keep the processor busy, or need it for themselves: one file at a time, after all others. */
const aloneTests = named('alone.test.ts')

const common = {
  testTimeout: 30_000,
  hookTimeout: 30_000,
  // Test files of a worker share its modules, which hold no state: to load them for each file again took half of all time.
  isolate: false,
}

/** Tests that take long on a machine that is busy with other programs may take as long as they need. */
const patient = { ...common, testTimeout: 150_000, hookTimeout: 150_000, env: { TEST_RUN_MS_MAX: '120000' } }

export default defineConfig({
  test: {
    // Transformed modules are kept in node_modules: the second run of a checkout is 5 s shorter.
    experimental: { fsModuleCache: true },
    projects: [
      {
        test: {
          ...common,
          name: 'unit',
          include: named('test.ts'),
          exclude: [...processTests, ...slowTests, ...aloneTests],
          // One more than there are cores: some tests wait for real timers.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'process', include: processTests, maxWorkers: 4, sequence: { groupOrder: 1 } } },
      { test: { ...patient, name: 'slow', include: slowTests, maxWorkers: 3, sequence: { groupOrder: 2 } } },
      { test: { ...patient, name: 'alone', include: aloneTests, maxWorkers: 1, sequence: { groupOrder: 3 } } },
    ],
  },
})
