/** Whether the bytes at `at` are those of a prefix; as many must be there. */
export type PrefixTest = (bytes: Uint8Array, at: number) => boolean

const wordBytes = 4

/**
 * The test for a prefix. Up to eight bytes are compared as two numbers, which are constants of the test: a loop over an
 * array of bytes costs three times as much, as the array itself has to be looked up in each step.
 */
export function prefixTest(wanted: Uint8Array): PrefixTest {
  const { length } = wanted
  if (length < wordBytes) return shortTest(wanted)
  const last = length - wordBytes
  const [first32, last32] = [wordAt(wanted, 0), wordAt(wanted, last)]
  const ends: PrefixTest = (bytes, at) => wordAt(bytes, at) === first32 && wordAt(bytes, at + last) === last32
  if (last <= wordBytes) return ends
  return (bytes, at) => {
    if (!ends(bytes, at)) return false
    for (let index = wordBytes; index < last; index++) {
      if (bytes[at + index] !== wanted[index]) return false
    }
    return true
  }
}

function shortTest(wanted: Uint8Array): PrefixTest {
  const [first, second, third] = wanted
  switch (wanted.length) {
    case 0:
      return () => true
    case 1:
      return (bytes, at) => bytes[at] === first
    case 2:
      return (bytes, at) => bytes[at] === first && bytes[at + 1] === second
    default:
      return (bytes, at) => bytes[at] === first && bytes[at + 1] === second && bytes[at + 2] === third
  }
}

/** Four bytes as a signed number, so that it is compared without a conversion. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
