import { show } from '../../invalidValue.ts'

/** The environment of the process, or one made up for a test. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A text with its variables filled in; `secret` when any was. */
export interface Interpolated {
  readonly text: string
  readonly secret: boolean
  /** The text was one variable and nothing else. */
  readonly whole: boolean
  readonly faults: readonly string[]
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** Fills in `${NAME}` from the environment; `$${` stands for a plain `${`. */
export function interpolate(text: string, environment: Environment): Interpolated {
  const faults: string[] = []
  let filled = ''
  let end = 0
  let secret = false
  // A regular expression would look for the closing brace anew from each opening one.
  for (let start = text.indexOf('${'); start >= 0; start = text.indexOf('${', end)) {
    const isEscaped = start > end && text[start - 1] === '$'
    filled += text.slice(end, isEscaped ? start - 1 : start)
    end = start + 2
    if (isEscaped) {
      filled += '${'
      continue
    }
    const close = text.indexOf('}', end)
    const name = close < 0 ? '' : text.slice(end, close)
    if (!variableName.test(name)) {
      const got = show(text.slice(start, close < 0 ? undefined : close + 1))
      faults.push(`expected a variable such as \${NAME}, or $\${ for a plain \${, got ${got}`)
      break
    }
    // An environment is no record of ours: `constructor` must not be found in its prototype.
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (value === undefined) faults.push(`the environment has no variable ${name}`)
    filled += value ?? ''
    end = close + 1
    secret = true
  }
  return { text: filled + text.slice(end), secret, whole: secret && wholeVariable.test(text), faults }
}

const wholeVariable = /^\$\{[^{}]*\}$/
