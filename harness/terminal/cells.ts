import type picocolors from 'picocolors'

/** Paints text for a terminal: picocolors' `createColors(enabled)`. */
export type Colors = ReturnType<typeof picocolors.createColors>

const colorSequence = /\u001b\[\d+m/g
const unprintable = /[\p{Cc}\p{Cf}\u2028\u2029]/gu
const zeroWidth = /^\p{M}$/u
const doubleWidth =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u

/** Makes external text safe to print: replaces line ends and the control characters of escape sequences. */
export function printable(text: string): string {
  return text.replace(/\s/g, ' ').replace(unprintable, '?')
}

/** The number of terminal cells of a text: none for colours, two for a Chinese character or an emoji. */
export function cellCount(text: string): number {
  let count = 0
  for (const character of text.replace(colorSequence, '')) count += cellsOf(character)
  return count
}

/** Cuts a text without colours to at most `cells` cells, with `…` for the part cut off. */
export function clip(text: string, cells: number): string {
  if (cellCount(text) <= cells) return text
  let kept = ''
  let count = 0
  for (const character of text) {
    count += cellsOf(character)
    if (count > cells - 1) break
    kept += character
  }
  return cells > 0 ? `${kept}…` : ''
}

/** Like `clip`, but keeps the end of the text, which is where paths differ. */
export function clipStart(text: string, cells: number): string {
  const backwards = (line: string) => [...line].reverse().join('')
  return backwards(clip(backwards(text), cells))
}

/** Pads a text with blanks at its end to `cells` cells; a longer text is unchanged. */
export function padEnd(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - cellCount(text)))
}

/** Pads a text with blanks at its start to `cells` cells; a longer text is unchanged. */
export function padStart(text: string, cells: number): string {
  return ' '.repeat(Math.max(0, cells - cellCount(text))) + text
}

/** Breaks a text between words into lines of at most `cells` cells; a longer word stays whole. */
export function wrapWords(text: string, cells: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && cellCount(longer) > cells) {
      lines.push(line)
      line = word
    } else {
      line = longer
    }
  }
  return [...lines, line]
}

function cellsOf(character: string): number {
  const code = character.codePointAt(0)!
  if (code < 0x300) return 1
  return zeroWidth.test(character) ? 0 : doubleWidth.test(character) ? 2 : 1
}
