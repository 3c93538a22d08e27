import { show } from '../../invalidValue.ts'

/** The environment of the process, or one for a test. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A text with its variables filled in; it is secret if it has any. */
export interface Interpolated {
  readonly text: string
  readonly secret: boolean
  /** The values of its variables. */
  readonly values: readonly string[]
  /** The text is one variable and nothing else. */
  readonly whole: boolean
  readonly faults: readonly string[]
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/
/** What stands between a variable's name and the text that is taken where it is not set or empty, as in a shell. */
const defaultMark = ':-'

/**
 * Fills in `${NAME}` from the environment, or `${NAME:-default}`; `${NAME:+text:-other}` is the text where the variable is
 * set and not empty, and otherwise the other or nothing. `$${` stands for a plain `${`.
 */
export function interpolate(text: string, environment: Environment): Interpolated {
  const faults: string[] = []
  const values: string[] = []
  let filled = ''
  let end = 0
  let secret = false
  let hasVariable = false
  // A regular expression would search for the closing brace again from each opening one.
  for (let start = text.indexOf('${'); start >= 0; start = text.indexOf('${', end)) {
    const isEscaped = start > end && text[start - 1] === '$'
    filled += text.slice(end, isEscaped ? start - 1 : start)
    end = start + 2
    if (isEscaped) {
      filled += '${'
      continue
    }
    const close = closingBrace(text, end)
    const { name, instead, otherwise } = partsOf(close < 0 ? '' : text.slice(end, close))
    if (!variableName.test(name)) {
      const got = show(text.slice(start, close < 0 ? undefined : close + 1))
      faults.push(`expected a variable such as \${NAME}, or $\${ for a plain \${, got ${got}`)
      break
    }
    // The environment has a prototype, in which `constructor` must not be found.
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    const own = value ? instead : otherwise
    if (own !== undefined) {
      // It stands in the file itself, so that it is no secret.
      filled += own
      end = close + 1
      hasVariable = true
      continue
    }
    if (value === undefined) faults.push(`environment variable ${name} is not set`)
    else values.push(value)
    filled += value ?? ''
    end = close + 1
    secret = true
    hasVariable = true
  }
  return { text: filled + text.slice(end), secret, values, whole: hasVariable && wholeVariable.test(text), faults }
}

/** The brace that closes a variable: its default may have slots such as `{{targetHost}}` in it. -1 where there is none. */
function closingBrace(text: string, from: number): number {
  for (let at = from; ; ) {
    const close = text.indexOf('}', at)
    const open = text.indexOf('{{', at)
    if (close < 0 || open < 0 || open > close) return close
    const slotEnd = text.indexOf('}}', open)
    if (slotEnd < 0) return close
    at = slotEnd + 2
  }
}

/** The name of a variable, what is taken in its place where it is set, and what where it is not set or empty. */
function partsOf(inside: string): { readonly name: string; readonly instead?: string; readonly otherwise?: string } {
  const [, name = inside, mark, text = ''] = /^([^:]*)(:[-+])(.*)$/s.exec(inside) ?? []
  if (mark === undefined) return { name }
  if (mark === defaultMark) return { name, otherwise: text }
  const [instead, ...others] = text.split(defaultMark)
  return { name, instead: instead!, otherwise: others.join(defaultMark) }
}

const wholeVariable = /^\$\{[^{}]*\}$/
