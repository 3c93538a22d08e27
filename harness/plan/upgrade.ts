import { headEnd, upgradeReply, upgradeRequest } from '../protocols/webSocket.ts'
import { upgradeReplyBytesMax } from '../protocols/webSocketClient.ts'
import type { Step } from '../scenario/scenario.ts'

/** The first message of a connection that speaks WebSocket. */
export const upgradeStep: Step = {
  send: { unframed: upgradeRequest('{{targetHost}}') },
  reply: { spec: { name: 'line', delimiter: headEnd, maxFrame: upgradeReplyBytesMax } },
  expect: upgradeReply,
  think: 0,
}
