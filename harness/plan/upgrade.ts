import { headEnd, upgradeReply, upgradeRequest, webSocketRules } from '../protocols/webSocket.ts'
import { upgradeReplyBytesMax } from '../protocols/webSocketClient.ts'
import type { Answer } from '../scenario/answers.ts'
import type { Step } from '../scenario/scenario.ts'

/** The first message of a connection that speaks WebSocket. */
export const upgradeStep: Step = {
  send: { unframed: upgradeRequest('{{targetHost}}') },
  reply: { spec: { name: 'line', delimiter: headEnd, maxFrame: upgradeReplyBytesMax } },
  expect: upgradeReply,
  think: 0,
}

/** What a client answers to what a server asks. */
export const webSocketAnswers: readonly Answer[] = webSocketRules.answer.map(({ to, send }, index) => ({
  path: ['protocol', 'answer', index],
  to,
  send,
}))
