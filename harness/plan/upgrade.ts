import { headEnd, upgradeReply, upgradeRequest, webSocketRules } from '../protocols/webSocket.ts'
import type { Answer } from '../scenario/answers.ts'
import type { Step } from '../scenario/scenario.ts'

/** The longest head of an answer to an upgrade. */
const headBytesMax = 64 * 1024

/** The first message of a connection that speaks WebSocket. */
export const upgradeStep: Step = {
  send: { unframed: upgradeRequest('{{targetHost}}') },
  reply: { spec: { name: 'line', delimiter: headEnd, maxFrame: headBytesMax } },
  expect: upgradeReply,
  think: 0,
}

/** What a client answers to what a server asks. */
export const webSocketAnswers: readonly Answer[] = webSocketRules.answer.map(({ to, send }, index) => ({
  path: ['protocol', 'answer', index],
  to,
  send,
}))
