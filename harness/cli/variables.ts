import type { Fault } from '../errors.ts'
import { list, show } from '../invalidValue.ts'
import { optionEntries } from '../serverOptions.ts'
import { nearest } from '../suggestion.ts'
import { settingVariables } from './flags.ts'

const prefix = 'VOLLEY_'
const serverPrefix = 'VOLLEY_SERVE_'

/** The variables of reference servers; the last is set by `volley serve --detach` for its own process. */
const serverVariables = [
  ...optionEntries.flatMap(([, { variable }]) => (variable === undefined ? [] : [variable])),
  'VOLLEY_SERVE_DAEMON',
]

/** Variables that are no settings. */
const otherVariables = ['VOLLEY_DEBUG']

/** Every variable of the environment that volley reads. */
export const knownVariables = [...settingVariables, ...serverVariables, ...otherVariables]

type Environment = Readonly<Record<string, string | undefined>>

/**
 * A fault for each variable whose name begins with VOLLEY_ and that nothing reads: neither volley nor, as `${VOLLEY_...}`,
 * one of the texts. It was meant to change the run, and does not.
 */
export function variableFaults(environment: Environment, texts: readonly string[] = []): Fault[] {
  return unknown(environment, prefix)
    .filter(name => !texts.some(text => text.includes(`\${${name}}`)))
    .map(name => ({ place: name, message: messageFor(name, knownVariables) }))
}

/** The same for the variables of `volley serve`: the others may be meant for a run in the same shell. */
export function serverVariableFaults(environment: Environment): Fault[] {
  return unknown(environment, serverPrefix).map(name => ({ place: name, message: messageFor(name, serverVariables) }))
}

/** An empty variable counts as one that is not set, as it does for those that are known. */
function unknown(environment: Environment, start: string): string[] {
  const names = Object.keys(environment).filter(
    name => name.toUpperCase().startsWith(start) && environment[name] !== '',
  )
  return names.filter(name => !knownVariables.includes(name)).sort()
}

/** The nearest name is looked for without what all have in common, which would make them all alike. */
function messageFor(name: string, known: readonly string[]): string {
  const shown = known.filter(other => !hidden.includes(other))
  const meant = nearest(
    name.slice(prefix.length),
    shown.map(other => other.slice(prefix.length)),
  )
  if (meant !== undefined) return `unknown variable; did you mean ${show(prefix + meant)}?`
  return `unknown variable; unset it, or use it in the scenario as \${${name}}; volley reads ${list(shown)}`
}

const hidden: readonly string[] = ['VOLLEY_SERVE_DAEMON', ...otherVariables]
