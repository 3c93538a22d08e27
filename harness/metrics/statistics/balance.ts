/**
 * Jain's index of fairness (Jain, Chiu and Hawe 1984): 1 when all counts are equal, 1/n when one has all; 1 for no
 * counts.
 */
export function jainIndex(counts: ArrayLike<number>): number {
  let sum = 0
  let sumSquares = 0
  for (let index = 0; index < counts.length; index++) {
    sum += counts[index]!
    sumSquares += counts[index]! ** 2
  }
  return sumSquares === 0 ? 1 : (sum * sum) / (counts.length * sumSquares)
}
