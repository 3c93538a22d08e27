/**
 * The closed list of what can go wrong between a client and its target. A failure is a counter, never an exception.
 * The order is part of the slab's layout: add at the end.
 */
export const failureKinds = [
  'connect-refused',
  'connect-timeout',
  'connect-failed',
  'reset',
  'closed-early',
  'timeout',
  'malformed',
  'too-large',
  'unexpected',
  'overflow',
  'dropped',
  'no-free-port',
  'no-descriptor',
  'unreachable',
  'handshake-closed',
] as const

export type FailureKind = (typeof failureKinds)[number]

/** The kinds of failed connects. They fail no request, so `failed` does not include them. */
export const connectFailureKinds: readonly FailureKind[] = [
  'connect-refused',
  'connect-timeout',
  'connect-failed',
  'no-free-port',
  'no-descriptor',
  'unreachable',
  'handshake-closed',
]

/** The slab index of a failure kind. */
export const failureIndex = Object.fromEntries(failureKinds.map((kind, index) => [kind, index])) as Record<
  FailureKind,
  number
>

/** Failures by kind, in which only kinds with a count are present. */
export type FailureCounts = Readonly<Partial<Record<FailureKind, number>>>

/** The counts of all kinds by their slab index, without those that are zero. */
export function failureCounts(count: (index: number) => number): FailureCounts {
  const counts = failureKinds.map((kind, index) => [kind, count(index)] as const)
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}
