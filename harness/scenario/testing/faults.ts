import { UserError } from '../../errors.ts'
import { parseScenario } from '../load.ts'
import type { Override } from '../overrides.ts'
import type { Environment } from '../yaml/variables.ts'

/** A valid scenario, four lines long. */
export const minimal = 'name: x\ntarget: { address: "tcp://h:1" }\nprotocol: raw\nloop: [{ send: hi }]\n'

/** The faults that an action throws, as they are printed. */
export function faultLines(action: () => unknown): string[] {
  try {
    action()
  } catch (error) {
    if (error instanceof UserError) return error.faults.map(({ place, message }) => `${place} ${message}`)
    throw error
  }
  return []
}

/** The faults of a text as file `s.yaml`. */
export function faultsIn(text: string, overrides: readonly Override[] = [], environment: Environment = {}): string[] {
  return faultLines(() => parseScenario(text, 's.yaml', overrides, environment))
}

/** The minimal scenario with further lines, from line 5 on; a line for a key that it has replaces that one. */
export function minimalWith(...lines: readonly string[]): string {
  return lines.reduce((text, line) => {
    const key = /^\w+/.exec(line)![0]
    const own = new RegExp(`^${key}:.*$`, 'm')
    return own.test(text) ? text.replace(own, () => line) : `${text}${line}\n`
  }, minimal)
}

/** The faults of `minimalWith(...)`. */
export function faultsWith(...lines: readonly string[]): string[] {
  return faultsIn(minimalWith(...lines))
}
