import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Replies } from './replies.ts'

/** Keeps the arrays that it could not write at once, as a socket does. */
class FakeSocket {
  queuedBytes = 0
  readonly writes: Uint8Array[] = []
  readonly #blocked: readonly boolean[]

  constructor(blocked: readonly boolean[] = []) {
    this.#blocked = blocked
  }

  write(bytes: Uint8Array): boolean {
    const kept = this.queuedBytes > 0 || this.#blocked[this.writes.length] === true
    this.writes.push(kept ? bytes : bytes.slice())
    if (kept) this.queuedBytes += bytes.length
    return !kept
  }
}

const source = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251)

test('flush() writes all replies of an event at once', () => {
  const socket = new FakeSocket()
  const replies = new Replies()
  replies.start(socket)
  replies.echo(source, 0, 10)
  replies.echo(source, 10, 20)
  replies.append(Uint8Array.of(1, 2))
  const at = replies.reserve(2)
  replies.bytes.set([3, 4], at)
  replies.echo(source, 50, 52)
  replies.flush()
  replies.flush()
  expect(socket.writes).toEqual([Uint8Array.from([...source.subarray(0, 20), 1, 2, 3, 4, 50, 51])])
  expect(replies.bytesOut).toBe(26)
})

test('flush() reuses one buffer and one view while the socket takes everything', () => {
  const views = new Set<Uint8Array>()
  const socket = { queuedBytes: 0, write: (bytes: Uint8Array) => views.add(bytes).size > 0 }
  const replies = new Replies()
  replies.start(socket)
  for (let index = 0; index < 1000; index++) {
    replies.echo(source, 0, 12)
    replies.flush()
  }
  expect(views.size).toBe(1)
})

test('flush() keeps no more memory than the bytes that wait behind others', () => {
  const socket = new FakeSocket([true])
  const replies = new Replies()
  replies.start(socket)
  for (let index = 0; index < 10; index++) {
    replies.echo(source, 0, 12)
    replies.flush()
  }
  const buffers = new Set(socket.writes.slice(1).map(bytes => bytes.buffer.byteLength))
  expect([...buffers]).toEqual([12])
})

test('replies are complete and in order, whatever the socket takes at once', () => {
  // A long reply grows the buffer, the socket keeps the write that makes room, and the run fits only the longer buffer.
  const grownThenRun = [
    { kind: 'reserve', from: 0, length: 150_000 },
    { kind: 'echo', from: 0, length: 100_000 },
  ]
  const length = fc.oneof(fc.nat(100), fc.nat(20_000), fc.nat(200_000))
  const operation = fc.record({
    kind: fc.constantFrom('echo', 'append', 'reserve', 'flush'),
    from: fc.nat(1000),
    length,
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), fc.array(fc.boolean()), (operations, blocked) => {
      const socket = new FakeSocket(blocked)
      const replies = new Replies()
      replies.start(socket)
      const wanted: Uint8Array[] = []
      for (const { kind, from, length } of operations) {
        const bytes = source.subarray(from, from + length)
        if (kind === 'echo') replies.echo(source, from, from + length)
        else if (kind === 'append') replies.append(source, from, from + length)
        else if (kind === 'reserve') fill(replies, bytes)
        else replies.flush()
        if (kind !== 'flush') wanted.push(bytes)
      }
      replies.flush()
      expect(Buffer.concat(socket.writes).equals(Buffer.concat(wanted))).toBe(true)
      expect(replies.bytesOut).toBe(Buffer.concat(wanted).length)
    }),
    { numRuns: 500, examples: [[grownThenRun, [true]]] },
  )
})

function fill(replies: Replies, bytes: Uint8Array): void {
  const at = replies.reserve(bytes.length)
  replies.bytes.set(bytes, at)
}
