import { relative } from 'node:path'
import { builtFile, packageRoot } from '../../harness/built.ts'
import { runForText } from '../client.ts'
import { type BenchFormatName, benchFormats } from '../codecs/formats.ts'
import type { Bench, Goal } from '../goal.ts'
import { interleave, type Side } from '../interleave.ts'
import { judgeRatio, judgeValue } from '../judge.ts'
import { commandLine } from '../processes.ts'

const figure = 'frameNanos'
const drawnBound = { atMost: 1.3 } as const
/** Formats that are drawn, and what is written by hand for the same frames. */
const pairs = ['u32', 'Modbus', 'WebSocket'] as const
const memcached = 'memcached, 3 keys'
const memcachedBound = { atMost: 300 } as const

/** P12: how long it takes to find the end of a frame, each format in a process of its own, as a worker has one. */
export const codecs: Goal = {
  id: 'P12',
  title: 'the end of a frame: formats that are drawn against code by hand',
  async measure(bench) {
    const names = Object.keys(benchFormats) as BenchFormatName[]
    const records = await interleave(
      names.map(name => formatSide(bench, name)),
      { ...bench.settings, ...bench },
    )
    const of = (name: BenchFormatName) => records[names.indexOf(name)]!
    const ratio = (name: string, ours: BenchFormatName, theirs: BenchFormatName) =>
      judgeRatio({ name, figure, bound: drawnBound }, of(ours), of(theirs))
    return {
      groups: [{ name: 'frames of 32 bytes, many in a buffer', server: 'none', sides: records }],
      rows: [
        ...pairs.map(name => ratio(name, `${name}, drawn`, `${name}, by hand`)),
        ratio('u32, by its place', 'u32, by its place', 'u32, by hand'),
        judgeValue({ name: memcached, figure, bound: memcachedBound }, of(memcached)),
      ],
      notes: ['the least of ten slices of each round: other work of the machine can only add to it'],
    }
  },
}

function formatSide(bench: Bench, name: BenchFormatName): Side {
  const { seconds } = bench.settings
  const file = relative(packageRoot, builtFile('bench/codecs/measure'))
  const command = { program: process.execPath, args: [file, name, String(seconds)], cores: bench.cores.client }
  return {
    name,
    command: commandLine(command),
    run: async () => ({ frameNanos: Number(await runForText(bench.processes, command, seconds * 1000)) }),
  }
}
