import type { PlannedExpectation, RequestBank } from '../../plan/bank.ts'
import type { Protocol } from '../../protocols/protocol.ts'

/** Whether the reply frame `reply[from, end)` is as expected, given the request frame as it was sent. */
export type Check = (
  reply: Uint8Array,
  from: number,
  end: number,
  request: Uint8Array,
  requestFrom: number,
  requestEnd: number,
) => boolean

/** Bytes of a reply's body that a regular expression is tried on. */
export const matchedBytesMax = 64 * 1024

/**
 * The check of an expectation, made once before the loop; null when any whole reply passes. A refusal fails unless the
 * expectation names it: by its status, its type or its error.
 */
export function compileCheck(protocol: Protocol, expectation: PlannedExpectation | undefined): Check | null {
  const { layers } = protocol
  if (layers !== undefined && expectation !== undefined && looksAtBody(expectation)) {
    const check = compileCheck(layers.plain, expectation)!
    return (reply, from, end, request, requestFrom, requestEnd) => {
      const frame = layers.unwrapFrame(reply, from, end)
      return frame !== undefined && check(frame, 0, frame.length, request, requestFrom, requestEnd)
    }
  }
  const checks: Check[] = []
  const { equals, begins, contains, matches, fields = {}, extension, error } = expectation ?? {}
  const { isRefusal, isRefusalLater, refusesByText } = protocol
  const asksText = [equals, begins, contains, matches].some(asked => asked !== undefined)
  const namesRefusal =
    Object.keys(fields).length > 0 ||
    extension !== undefined ||
    error !== undefined ||
    (refusesByText === true && asksText)
  if (isRefusal !== undefined && !namesRefusal) checks.push((reply, from, end) => !isRefusal(reply, from, end))
  // A field, and how a reply begins, are those of its first frame: what refuses behind that is not named by them.
  const namesLater = [equals, contains, matches, error].some(asked => asked !== undefined)
  if (isRefusalLater !== undefined && namesRefusal && !namesLater) {
    checks.push((reply, from, end) => !isRefusalLater(reply, from, end))
  }
  for (const [name, values] of Object.entries(fields)) checks.push(fieldCheck(protocol, name, values))
  if (extension !== undefined) checks.push(extensionCheck(protocol, extension))
  if (error !== undefined) {
    checks.push((reply, from, end) => {
      const at = protocol.bodyStart(reply, from, end)
      const errorEnd = Math.min(at + error.length, protocol.bodyEnd(reply, from, end))
      return isRefusal!(reply, from, end) && sameBytes(reply, at, errorEnd, error, 0, error.length)
    })
  }
  if (expectation?.echo) {
    const sent = protocol.sent ?? protocol
    checks.push(
      onBody(protocol, (reply, at, bodyEnd, request, requestFrom, requestEnd) => {
        const requestAt = sent.bodyStart(request, requestFrom, requestEnd)
        const requestBodyEnd = sent.bodyEnd(request, requestFrom, requestEnd)
        return sameBytes(reply, at, bodyEnd, request, requestAt, requestBodyEnd)
      }),
    )
  }
  if (equals !== undefined) {
    checks.push(onBody(protocol, (reply, at, bodyEnd) => sameBytes(reply, at, bodyEnd, equals, 0, equals.length)))
  }
  if (begins !== undefined) {
    const length = begins.length
    checks.push(
      onBody(protocol, (reply, at, bodyEnd) => sameBytes(reply, at, Math.min(bodyEnd, at + length), begins, 0, length)),
    )
  }
  if (contains !== undefined) {
    const wanted = Buffer.from(contains)
    checks.push(onBody(protocol, (reply, at, bodyEnd) => view(reply, at, bodyEnd).includes(wanted)))
  }
  if (matches !== undefined) {
    const pattern = new RegExp(matches, 'u')
    checks.push(
      onBody(protocol, (reply, at, bodyEnd) =>
        pattern.test(view(reply, at, Math.min(bodyEnd, at + matchedBytesMax)).toString()),
      ),
    )
  }
  return checks.length === 0 ? null : checks.reduce(both)
}

/** Whether a field of the reply has one of these values. */
function fieldCheck(protocol: Protocol, name: string, values: readonly number[]): Check {
  const own = { type: protocol.type, version: protocol.version, status: protocol.status }[name]
  const read = protocol.fields?.[name] ?? own!.read
  const [only, another] = values
  if (another === undefined) return (reply, from, end) => read(reply, from, end) === only
  return (reply, from, end) => values.includes(read(reply, from, end))
}

/** Whether the extension of an RPC reply is this one: in two halves, as to read it whole would make an object for each reply. */
function extensionCheck(protocol: Protocol, extension: bigint): Check {
  const { high, low } = protocol.extension!
  const wanted = BigInt.asUintN(64, extension)
  const wantedHigh = Number(wanted >> 32n)
  const wantedLow = Number(wanted & 0xffff_ffffn)
  return (reply, from) => low(reply, from) === wantedLow && high(reply, from) === wantedHigh
}

/**
 * The check of a reply whose body passes `check`, which gets the range of the body for that of the reply. Only a body
 * that comes in chunks is copied for it.
 */
function onBody(protocol: Protocol, check: Check): Check {
  const { joinedBody } = protocol
  const inPlace: Check = (reply, from, end, request, requestFrom, requestEnd) => {
    const at = protocol.bodyStart(reply, from, end)
    return check(reply, at, protocol.bodyEnd(reply, from, end), request, requestFrom, requestEnd)
  }
  if (joinedBody === undefined) return inPlace
  return (reply, from, end, request, requestFrom, requestEnd) => {
    const body = joinedBody(reply, from, end)
    return body === undefined
      ? inPlace(reply, from, end, request, requestFrom, requestEnd)
      : check(body, 0, body.length, request, requestFrom, requestEnd)
  }
}

/** Whether the body of any reply is looked at. */
export function looksAtBodies({ steps }: RequestBank): boolean {
  return steps.some(
    ({ expectation, challenge, captures }) =>
      challenge === true || captures !== undefined || (expectation !== undefined && looksAtBody(expectation)),
  )
}

/** Whether an expectation looks at the body of the reply. */
function looksAtBody({ echo, equals, begins, contains, matches }: PlannedExpectation): boolean {
  return (
    echo === true || equals !== undefined || begins !== undefined || contains !== undefined || matches !== undefined
  )
}

function both(first: Check, second: Check): Check {
  return (reply, from, end, request, requestFrom, requestEnd) =>
    first(reply, from, end, request, requestFrom, requestEnd) &&
    second(reply, from, end, request, requestFrom, requestEnd)
}

function view(bytes: Uint8Array, from: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from)
}

function sameBytes(a: Uint8Array, aFrom: number, aEnd: number, b: Uint8Array, bFrom: number, bEnd: number): boolean {
  const length = aEnd - aFrom
  if (length !== bEnd - bFrom) return false
  for (let index = 0; index < length; index++) {
    if (a[aFrom + index] !== b[bFrom + index]) return false
  }
  return true
}
