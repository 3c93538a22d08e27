import { distance } from 'fastest-levenshtein'
import { list, show } from './invalidValue.ts'

/** Longer words are near to no known word, and the time to compare grows with the product of both lengths. */
const wordLengthMax = 40

/** The message for an unknown word: `unknown key "tmeout"; did you mean "timeout"?`. */
export function unknownWord(kind: string, word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  const advice = near === undefined ? `known ${kind}s: ${list(known)}` : `did you mean ${show(near)}?`
  return `unknown ${kind} ${show(word)}; ${advice}`
}

/**
 * The known word that was most likely meant, in whatever case; undefined where none is near. Words are near when they
 * differ in at most a third of the letters of the shorter one, or have the same letters in another order.
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

/** The Levenshtein distance, except that the same letters in another order count as one edit. */
function editsBetween(a: string, b: string): number {
  const edits = distance(a, b)
  return edits > 1 && sorted(a) === sorted(b) ? 1 : edits
}

function sorted(text: string): string {
  return [...text].sort().join('')
}
