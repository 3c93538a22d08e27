const plus = 0x2b
const minus = 0x2d
const point = 0x2e
const zero = 0x30
const nine = 0x39
const openParenthesis = 0x28
const closeParenthesis = 0x29
const [a, e, f, i, n, t] = [0x61, 0x65, 0x66, 0x69, 0x6e, 0x74]
/** Of a letter, it makes the small one. */
const smallLetter = 0x20
const nullType = 0x5f
const booleanType = 0x23
const bigNumberType = 0x28

/** Whether `bytes[at, end)` is a type byte and what such a value may be: a null, a truth value, a big number or a double. */
export function isWord(bytes: Uint8Array, at: number, end: number): boolean {
  const first = at + 1
  switch (bytes[at]) {
    case nullType:
      return end === first
    case booleanType:
      return end === first + 1 && (bytes[first] === t || bytes[first] === f)
    case bigNumberType: {
      const digitsAt = behindSign(bytes, first, end)
      return digitsAt < end && behindDigits(bytes, digitsAt, end) === end
    }
    default:
      return isDouble(bytes, first, end)
  }
}

/** Whether the text is a double: digits with a fraction and an exponent, an infinity, or no number at all (nan). */
function isDouble(bytes: Uint8Array, from: number, end: number): boolean {
  const wholeAt = behindSign(bytes, from, end)
  let at = behindDigits(bytes, wholeAt, end)
  if (at === wholeAt) return isSpecial(bytes, wholeAt, end)
  if (at < end && bytes[at] === point) {
    const fractionAt = at + 1
    at = behindDigits(bytes, fractionAt, end)
    if (at === fractionAt) return false
  }
  if (at < end && letterAt(bytes, at) === e) {
    const exponentAt = behindSign(bytes, at + 1, end)
    at = behindDigits(bytes, exponentAt, end)
    if (at === exponentAt) return false
  }
  return at === end
}

/** Whether the text is `inf` or `nan`; Redis before 7.2 writes the latter as the C library does, such as `nan(0x1)`. */
function isSpecial(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at < 3) return false
  const [first, second, third] = [letterAt(bytes, at), letterAt(bytes, at + 1), letterAt(bytes, at + 2)]
  if (first === i && second === n && third === f) return end === at + 3
  if (first !== n || second !== a || third !== n) return false
  return end === at + 3 || (bytes[at + 3] === openParenthesis && bytes[end - 1] === closeParenthesis)
}

function letterAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | smallLetter
}

function behindSign(bytes: Uint8Array, at: number, end: number): number {
  return at < end && (bytes[at] === plus || bytes[at] === minus) ? at + 1 : at
}

function behindDigits(bytes: Uint8Array, from: number, end: number): number {
  let at = from
  while (at < end && bytes[at]! >= zero && bytes[at]! <= nine) at++
  return at
}
