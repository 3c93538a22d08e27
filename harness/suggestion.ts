import { distance } from 'fastest-levenshtein'
import { list, show } from './invalidValue.ts'

/** Longer words are near to none of ours, and the distance takes time with the product of both lengths. */
const wordLengthMax = 40

/** What a message says of a word that is not known: `unknown key "tmeout"; did you mean "timeout"?`. */
export function unknownWord(kind: string, word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return `unknown ${kind} ${show(word)}; ${near === undefined ? `known ${kind}s: ${list(known)}` : `did you mean ${show(near)}?`}`
}

/**
 * The known word that was most likely meant, whatever its case; undefined where none is near. Near are words that
 * differ in a third of the letters of the shorter one at most, and those of the same letters in another order.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > wordLengthMax) return undefined
  const lower = word.toLowerCase()
  const candidates = known.map(candidate => ({ candidate, edits: editsBetween(lower, candidate.toLowerCase()) }))
  const [first] = candidates.sort((a, b) => a.edits - b.edits)
  if (first === undefined || first.edits > Math.ceil(Math.min(word.length, first.candidate.length) / 3))
    return undefined
  return first.candidate
}

/** The Levenshtein distance, but that letters in another order count as one edit. */
function editsBetween(a: string, b: string): number {
  const edits = distance(a, b)
  return edits > 1 && sorted(a) === sorted(b) ? 1 : edits
}

function sorted(text: string): string {
  return [...text].sort().join('')
}
