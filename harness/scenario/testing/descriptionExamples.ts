import { describe } from '../named.ts'

/**
 * The scenario that the first lines of a description tell of, behind its target: the handshake with what they have for
 * deliveries, and the loop.
 */
export function exampleOf(name: string): string {
  const { text } = describe(name)
  const header = text.slice(0, text.indexOf('\nname: ')).replaceAll(/^# ?/gm, '')
  const more = blockIn(header, /^ {2}connect: the one below, and then\n/m)
  const loop = blockIn(header, /^ {2}loop:\n/m)
  const own = text.slice(text.indexOf('\nconnect:\n') + 1, text.indexOf('\nloop:\n'))
  const lines = [`protocol: ${name}`, ...(more === '' ? [] : [own, more]), ...(loop === '' ? [] : ['loop:', loop])]
  return `${lines.join('\n').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')}\n`
}

/** The lines behind a heading that are further to the right. */
function blockIn(text: string, heading: RegExp): string {
  const match = heading.exec(text)
  if (match === null) return ''
  const [block] = /^(?: {4}.*\n?)*/.exec(text.slice(match.index + match[0].length))!
  return block.replaceAll(/^ {2}/gm, '')
}
