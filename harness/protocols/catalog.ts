import { createBroadcast } from './broadcast.ts'
import { createFrame } from './frame.ts'
import { createHttp } from './http/http.ts'
import { createLine } from './line.ts'
import { createPicture } from './picture/picture.ts'
import type { Protocol } from './protocol.ts'
import type { ProtocolSpec, WithReplies } from './protocolSpec.ts'
import { createRaw } from './raw.ts'
import { withReplies } from './replies/replies.ts'
import { createResp } from './resp/resp.ts'
import { createRpc } from './rpc.ts'
import { createTlv } from './tlv.ts'

/** The protocol that a spec describes. */
export function createProtocol(spec: ProtocolSpec): Protocol {
  switch (spec.name) {
    case 'raw':
      return createRaw(spec)
    case 'line':
      return ruled(createLine(spec), spec)
    case 'frame':
      return ruled('request' in spec ? createPicture(spec) : createFrame(spec), spec)
    case 'tlv':
      return createTlv(spec)
    case 'rpc':
      return createRpc(spec)
    case 'broadcast':
      return createBroadcast(spec)
    case 'http':
      return createHttp(spec)
    case 'resp':
      return createResp(spec)
  }
}

function ruled(protocol: Protocol, { replies }: WithReplies): Protocol {
  return replies === undefined ? protocol : withReplies(protocol, replies)
}
