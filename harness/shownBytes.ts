/** Bytes for people: as text with escapes, or else in hex with offsets; exactly one of them is present. */
export interface ShownBytes {
  readonly text?: string
  readonly hex?: string
}

const mask = '***'
/** A shorter value is masked only where it is a key: a number such as 4 says nothing, and is part of every reply. */
const secretCharactersMin = 3
/** Where the bytes are cut off, as many characters of a secret at their end are masked although its rest is missing. */
const cutSecretBytesMin = 3
/** Of the characters of a text, at most this share may be control characters. */
const controlShareMax = 0.1
const hexRowBytes = 16
const space = 0x20
const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' }
const escaped = /["\\\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/gu
/** What moves the cursor, ends a line or turns the direction of writing; a tab does no harm. */
const acting = /(?!\t)[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u
const controls = /(?![\r\n\t])\p{Cc}/gu

/** What must not be shown of a run: values that came out of the environment, and keys. */
export class Secrets {
  readonly #encodings: readonly Buffer[]
  readonly #values: readonly string[]
  readonly #keys: readonly string[]

  /** `values` are masked from three characters on, `keys` whatever their length. */
  constructor(values: readonly string[] = [], keys: readonly string[] = []) {
    this.#values = values
    this.#keys = keys
    const all = [...values.filter(value => value.length >= secretCharactersMin), ...keys.filter(key => key !== '')]
    const encodings = [...new Set(all)].flatMap(encodingsOf)
    // The longest first, so that a secret within another one does not leave the rest of it.
    this.#encodings = encodings.toSorted((a, b) => b.length - a.length)
  }

  /** These, and more values that have turned up. */
  and(values: readonly string[]): Secrets {
    const isKnown = values.every(value => this.#values.includes(value))
    return isKnown ? this : new Secrets([...this.#values, ...values], this.#keys)
  }

  /** The bytes in parts, with undefined in place of each secret; of bytes that are cut off also its beginning at the end. */
  hide(bytes: Uint8Array, isCut: boolean): (Uint8Array | undefined)[] {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const end = isCut ? all.length - this.#secretBytesAtEnd(all) : all.length
    let parts: (Buffer | undefined)[] = [all.subarray(0, end), ...(end < all.length ? [undefined] : [])]
    for (const secret of this.#encodings) parts = parts.flatMap(part => splitAt(part, secret))
    return parts.filter(part => part === undefined || part.length > 0)
  }

  /** A text with `***` in place of each secret; `isCut` says that more follows which is not there. */
  hideText(text: string, isCut = false): string {
    return this.hide(Buffer.from(text), isCut)
      .map(part => (part === undefined ? mask : Buffer.from(part).toString()))
      .join('')
  }

  #secretBytesAtEnd(bytes: Buffer): number {
    let longest = 0
    for (const secret of this.#encodings) {
      for (let length = Math.min(secret.length - 1, bytes.length); length >= cutSecretBytesMin; length--) {
        if (bytes.subarray(-length).equals(secret.subarray(0, length))) longest = Math.max(longest, length)
      }
    }
    return longest
  }
}

/** Shows bytes without the secrets; `isCut` says that more bytes follow which are not there. */
export function showBytes(bytes: Uint8Array, secrets: Secrets, isCut = false): ShownBytes {
  return shownParts(secrets.hide(bytes, isCut), isCut)
}

function shownParts(parts: readonly (Uint8Array | undefined)[], isCut: boolean): ShownBytes {
  const texts = parts.map((part, index) =>
    part === undefined ? mask : textOf(part, isCut && index === parts.length - 1),
  )
  if (texts.every(text => text !== undefined)) return { text: texts.join('') }
  return { hex: hexOf(parts) }
}

/** The same of the first word, of at most `wordBytesMax` bytes: secrets are looked for before the rest is cut off. */
export function showFirstWord(bytes: Uint8Array, secrets: Secrets, wordBytesMax: number, isCut = false): ShownBytes {
  const word: (Uint8Array | undefined)[] = []
  let left = wordBytesMax
  for (const part of secrets.hide(bytes, isCut)) {
    if (part === undefined) word.push(undefined)
    else {
      const blank = part.findIndex(byte => byte <= space)
      const length = Math.min(left, blank < 0 ? part.length : blank)
      word.push(part.subarray(0, length))
      left -= length
      if (length < part.length) break
    }
  }
  return shownParts(word, true)
}

/** Bytes in hex without the secrets, in rows of 16 behind their offsets, whether they are text or not. */
export function hexRows(bytes: Uint8Array, secrets: Secrets, isCut = false): string[] {
  return hexOf(secrets.hide(bytes, isCut)).split(/ {2}(?=[0-9a-f]{4}:)/)
}

/** Shown bytes in one line of at most `characters`: `"busy\n"`, or `hex 0000: 00 00 00 68`. */
export function quoteShown({ text, hex }: ShownBytes, characters = 60): string {
  const whole = text ?? hex ?? ''
  const short = whole.length > characters ? `${whole.slice(0, characters - 1)}…` : whole
  return text === undefined ? `hex ${short}` : `"${short}"`
}

/** A text of a peer in quotes, with escapes for what acts on a terminal; more than `characters` of it are cut off. */
export function quoteText(text: string, characters: number): string {
  return `"${escapeText(text.length > characters ? `${text.slice(0, characters)}...` : text)}"`
}

/**
 * Bytes of a peer in one line that acts on no terminal: text as it is, text with line ends and control characters in
 * quotes and with escapes, all else as hex. None of it is cut off.
 */
export function plainOrQuoted(bytes: Uint8Array): string {
  const text = textOf(bytes, false)
  if (text === undefined) return `hex ${Buffer.from(bytes).toString('hex')}`
  const plain = Buffer.from(bytes).toString()
  return acting.test(plain) ? `"${text}"` : plain
}

function splitAt(part: Buffer | undefined, secret: Buffer): (Buffer | undefined)[] {
  if (part === undefined) return [part]
  const parts: (Buffer | undefined)[] = []
  let from = 0
  for (let at = part.indexOf(secret); at >= 0; at = part.indexOf(secret, from)) {
    parts.push(part.subarray(from, at), undefined)
    from = at + secret.length
  }
  return [...parts, part.subarray(from)]
}

/** How a server may send back a value that it was sent. */
function encodingsOf(secret: string): Buffer[] {
  const bytes = Buffer.from(secret)
  const hex = bytes.toString('hex')
  const texts = [
    secret,
    hex,
    hex.toUpperCase(),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(bytes.toString()),
  ]
  // Of base64 the last character depends on what follows.
  const base64 = (['base64', 'base64url'] as const).map(encoding => bytes.toString(encoding).replace(/.?=*$/, ''))
  const isHex = secret.length >= 16 && secret.length % 2 === 0 && /^[0-9a-f]+$/i.test(secret)
  return [...texts, ...base64.filter(text => text.length > cutSecretBytesMin)]
    .map(text => Buffer.from(text))
    .concat(isHex ? [Buffer.from(secret, 'hex')] : [])
}

/** The bytes as text with escapes; undefined where they are none. */
function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut })
  } catch {
    return undefined
  }
  if ((text.match(controls)?.length ?? 0) > text.length * controlShareMax) return undefined
  return escapeText(text)
}

function escapeText(text: string): string {
  return text.replace(escaped, character => escapes[character] ?? codePointEscape(character))
}

function codePointEscape(character: string): string {
  const code = character.codePointAt(0)!.toString(16)
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`
}

/** Rows of 16 bytes, each behind its offset; a secret takes the place of its bytes. */
function hexOf(parts: readonly (Uint8Array | undefined)[]): string {
  const words: string[] = []
  let offset = 0
  for (const part of parts) {
    if (part === undefined) words.push(mask)
    for (const byte of part ?? []) {
      if (offset % hexRowBytes === 0) words.push(`${offset === 0 ? '' : ' '}${offset.toString(16).padStart(4, '0')}:`)
      words.push(byte.toString(16).padStart(2, '0'))
      offset++
    }
  }
  return words.join(' ')
}
