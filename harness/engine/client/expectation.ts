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
 * The check of an expectation, made once before the loop; null when any whole reply passes. Without an expectation a
 * refusal fails.
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
  if (expectation === undefined) {
    const { isRefusal } = protocol
    return isRefusal === undefined ? null : (reply, from, end) => !isRefusal(reply, from, end)
  }
  const checks: Check[] = []
  const { equals, contains, matches, type, status } = expectation
  if (type !== undefined) {
    const read = protocol.type!.read
    checks.push((reply, from) => read(reply, from) === type)
  }
  if (status !== undefined) {
    const read = protocol.status!.read
    checks.push((reply, from) => read(reply, from) === status)
  }
  if (expectation.echo) {
    checks.push((reply, from, end, request, requestFrom, requestEnd) => {
      const at = protocol.bodyStart(reply, from, end)
      const bodyEnd = protocol.bodyEnd(reply, from, end)
      const requestAt = protocol.bodyStart(request, requestFrom, requestEnd)
      const requestBodyEnd = protocol.bodyEnd(request, requestFrom, requestEnd)
      return sameBytes(reply, at, bodyEnd, request, requestAt, requestBodyEnd)
    })
  }
  if (equals !== undefined) {
    checks.push((reply, from, end) => {
      const at = protocol.bodyStart(reply, from, end)
      return sameBytes(reply, at, protocol.bodyEnd(reply, from, end), equals, 0, equals.length)
    })
  }
  if (contains !== undefined) {
    const wanted = Buffer.from(contains)
    checks.push((reply, from, end) => body(protocol, reply, from, end).includes(wanted))
  }
  if (matches !== undefined) {
    const pattern = new RegExp(matches, 'u')
    checks.push((reply, from, end) =>
      pattern.test(body(protocol, reply, from, end).subarray(0, matchedBytesMax).toString()),
    )
  }
  return checks.reduce(both)
}

/** Whether the body of any reply is looked at. */
export function looksAtBodies({ steps }: RequestBank): boolean {
  return steps.some(
    ({ expectation, challenge, captures }) =>
      challenge === true || captures !== undefined || (expectation !== undefined && looksAtBody(expectation)),
  )
}

/** Whether an expectation looks at the body of the reply. */
function looksAtBody({ echo, equals, contains, matches }: PlannedExpectation): boolean {
  return echo === true || equals !== undefined || contains !== undefined || matches !== undefined
}

function both(first: Check, second: Check): Check {
  return (reply, from, end, request, requestFrom, requestEnd) =>
    first(reply, from, end, request, requestFrom, requestEnd) &&
    second(reply, from, end, request, requestFrom, requestEnd)
}

function body(protocol: Protocol, reply: Uint8Array, from: number, end: number): Buffer {
  const start = protocol.bodyStart(reply, from, end)
  return Buffer.from(reply.buffer, reply.byteOffset + start, protocol.bodyEnd(reply, from, end) - start)
}

function sameBytes(a: Uint8Array, aFrom: number, aEnd: number, b: Uint8Array, bFrom: number, bEnd: number): boolean {
  const length = aEnd - aFrom
  if (length !== bEnd - bFrom) return false
  for (let index = 0; index < length; index++) {
    if (a[aFrom + index] !== b[bFrom + index]) return false
  }
  return true
}
