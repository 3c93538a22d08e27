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
] as const

export type FailureKind = (typeof failureKinds)[number]

/** The kinds of failed connects. They fail no request, so `failed` does not include them. */
export const connectFailureKinds: readonly FailureKind[] = ['connect-refused', 'connect-timeout', 'connect-failed']

/** The slab index of a failure kind. */
export const failureIndex = Object.fromEntries(failureKinds.map((kind, index) => [kind, index])) as Record<
  FailureKind,
  number
>
