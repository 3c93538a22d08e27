import { statSync } from 'node:fs'
import { isUrl } from '../scenario/url.ts'
import { stdinSource } from './sources.ts'

/**
 * A command line with the command that it leaves out: `volley mine.yaml`, `volley tcp://127.0.0.1:8080` and, as other load
 * generators are called, `volley -c 100 http://127.0.0.1:8080` are `volley run ...`. A name that is neither a source nor a
 * flag stays: it is a misspelt command. `valueFlags` are the flags of `run` whose next argument is their value.
 */
export function withImpliedRun(
  args: readonly string[],
  commands: readonly string[],
  valueFlags: readonly string[] = [],
): readonly string[] {
  const [first] = args
  if (first === undefined || /^(-h|--help|-V|--version|--)$/.test(first)) return args
  if (isSource(first)) return commands.includes(first) ? args : ['run', ...args]
  if (!first.startsWith('-')) return args
  // What a flag has for its value is no command, whatever word it is: --send list.
  const others = args.filter((_, index) => index === 0 || !valueFlags.includes(args[index - 1]!))
  const named = others.find(arg => commands.includes(arg) || isSource(arg))
  return named === undefined || commands.includes(named) ? args : ['run', ...args]
}

function isSource(arg: string): boolean {
  return arg === stdinSource || isUrl(arg) || /\.ya?ml$/i.test(arg) || (!arg.startsWith('-') && isFile(arg))
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
}
