import type { ProtocolSpec } from '../protocols/protocolSpec.ts'
import type { FrameTest } from '../protocols/replies/frameTests.ts'
import { webSocketRules } from '../protocols/webSocket.ts'
import type { Path } from './path.ts'
import type { Send } from './scenario.ts'

/** What is sent in answer to a message of the server, as the rules of a protocol have it. */
export interface Answer {
  readonly path: Path
  readonly to: readonly FrameTest[]
  readonly send: Send
  /** Values that are taken from the message. */
  readonly capture?: Readonly<Record<string, string>>
}

/** The name of the value that is what stands in a message behind the text of its test. */
export const restName = 'rest'

/** Whether connections begin with the upgrade to WebSocket by themselves. */
export function isUpgraded(protocol: ProtocolSpec): boolean {
  return protocol.name === 'broadcast' && protocol.framing === 'websocket'
}

/** All answers that are planned: those that a protocol has rules for, or those to what WebSocket itself asks. */
export function plannedAnswersOf(protocol: ProtocolSpec): Answer[] {
  if (!isUpgraded(protocol)) return answersOf(protocol)
  return webSocketRules.answer.map(({ to, send }, index) => ({ path: ['protocol', 'answer', index], to, send }))
}

/** The answers that a protocol has rules for. */
export function answersOf(protocol: ProtocolSpec | undefined): Answer[] {
  const rules = protocol !== undefined && 'replies' in protocol ? (protocol.replies?.answer ?? []) : []
  return rules.map(({ to, send, capture }, index) => ({
    path: ['protocol', 'replies', 'answer', index],
    to,
    // The schema of scenarios has read both.
    send: send as Send,
    ...(capture !== undefined && { capture: capture as Readonly<Record<string, string>> }),
  }))
}

/**
 * Where in the body of a message stands what `{{rest}}` is: behind the text that it begins with, or behind the bytes at a
 * place. Undefined where that is not the same place for all tests.
 */
export function restOffset(tests: readonly FrameTest[]): number | undefined {
  const [first, ...others] = tests.map(offsetBehind)
  return others.every(offset => offset === first) ? first : undefined
}

function offsetBehind(test: FrameTest): number {
  switch (test.kind) {
    case 'begins':
      return patternBytes(test.pattern)
    case 'text':
      return patternBytes(test.begins ?? '')
    case 'at':
      return test.offset + test.hex.length / 2
    default:
      return 0
  }
}

/** The bytes that a pattern stands for: a backslash takes the character behind it as it is. */
function patternBytes(pattern: string): number {
  return Buffer.byteLength(pattern.replaceAll(/\\(.)/gs, '$1'))
}
