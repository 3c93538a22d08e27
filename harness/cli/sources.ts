import type { LoadedScenario, Override } from '../api.ts'
import { type Fault, UserError } from '../errors.ts'
import { readScenarioStream, readScenarioText } from '../scenario/load.ts'
import { isUrl } from '../scenario/url.ts'
import type { CommandIo } from './io.ts'
import { loadWithRequest } from './validRequest.ts'
import { variableFaults } from './variables.ts'

/** The argument that stands for a scenario from standard input. */
export const stdinSource = '-'
/** How faults name it. */
const stdinName = '<stdin>'

/** A scenario that a command line names: its text and how faults name it, or a URL. */
export interface Source {
  readonly name: string
  /** Absent for a URL. */
  readonly text?: string
}

/** Reads the files that a command line names, and standard input for `-`; a UserError with every one that cannot be read. */
export async function readSources(
  sources: readonly string[],
  io: Pick<CommandIo, 'stdin' | 'stderr'>,
): Promise<Source[]> {
  const { values, faults, errors } = await outcomes(sources.map(source => readSource(source, io)))
  const repeats = sources.filter(source => source === stdinSource).length > 1
  const all = repeats ? [...faults, { place: stdinName, message: 'is named twice, and can be read once' }] : faults
  if (all.length > 0) throw all.length === 1 && errors.length === 1 ? errors[0] : new UserError(all)
  return values
}

async function readSource(source: string, io: Pick<CommandIo, 'stdin' | 'stderr'>): Promise<Source> {
  if (source !== stdinSource)
    return isUrl(source) ? { name: source } : { name: source, text: await readScenarioText(source) }
  if (io.stdin.isTTY) io.stderr.write('reading a scenario from the keyboard; Ctrl-D ends it\n')
  return { name: stdinName, text: await readScenarioStream(io.stdin, stdinName) }
}

/** The scenarios of a command line, each in each of the environments; a UserError has the faults of all of them. */
export async function loadSources(
  sources: readonly string[],
  overrides: readonly Override[],
  environments: readonly string[] | undefined,
  io: Pick<CommandIo, 'stdin' | 'stderr' | 'env'>,
): Promise<LoadedScenario[]> {
  const read = await readSources(sources, io)
  const misspelt = variableFaults(io.env, textsOf(read))
  const loads = read.flatMap(({ name, text }) =>
    (environments ?? [undefined]).map(environment =>
      loadWithRequest(name, {
        overrides,
        variables: io.env,
        ...(environment !== undefined && { environment }),
        ...(text !== undefined && { text }),
      }),
    ),
  )
  const { values, faults, errors } = await outcomes(loads)
  if (errors.length === 1 && misspelt.length === 0) throw errors[0]
  if (faults.length + misspelt.length > 0) throw new UserError([...faults, ...misspelt])
  return values
}

/** The texts of those sources that have one. */
export function textsOf(sources: readonly Source[]): string[] {
  return sources.flatMap(({ text }) => (text === undefined ? [] : [text]))
}

/** What came of all of them: values, and the faults without those that are the same in several. Rejects for other errors. */
async function outcomes<Value>(
  promises: readonly Promise<Value>[],
): Promise<{ values: Value[]; faults: Fault[]; errors: UserError[] }> {
  const values: Value[] = []
  const errors: UserError[] = []
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'fulfilled') values.push(outcome.value)
    else if (outcome.reason instanceof UserError) errors.push(outcome.reason)
    else throw outcome.reason
  }
  const faults = new Map(
    errors.flatMap(error => error.faults.map(fault => [`${fault.place}\0${fault.message}`, fault] as const)),
  )
  return { values, faults: [...faults.values()], errors }
}
