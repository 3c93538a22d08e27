import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import { type ServerName, serverProtocols } from '../../harness/serverOptions.ts'
import type { Service } from '../server/service.ts'
import { createBroadcastServer } from './broadcast.ts'
import { createEcho } from './echo.ts'
import { createHttpServer, helloText } from './http.ts'
import { createRpcServer } from './rpc.ts'
import { createTlvServer } from './tlv.ts'

/** How a server replies, beyond the text of its replies. */
export interface Replying {
  /** The order of replies is shuffled within this many requests. */
  readonly shuffle?: number
  readonly seed: number
  /** The type of every reply; that of its request, where absent. */
  readonly replyType?: number
}

/** A reference server: what it speaks and how its service is created. */
export interface Target {
  readonly protocols: readonly ProtocolSpec['name'][]
  /** Whether it serves over UDP too, with a datagram for each message and each reply. */
  readonly overUdp: boolean
  /** The default reply; the request, where absent. */
  readonly reply?: string
  create(spec: ProtocolSpec, reply: string | undefined, replying: Replying): Service
}

/** The reference servers by name. */
export const targets: Readonly<Record<ServerName, Target>> = {
  echo: { protocols: serverProtocols.echo, overUdp: true, create: (spec, reply) => createEcho(spec, reply) },
  tlv: {
    protocols: serverProtocols.tlv,
    overUdp: true,
    create: (spec, reply, { replyType }) =>
      createTlvServer(spec as Extract<ProtocolSpec, { name: 'tlv' }>, reply, replyType),
  },
  rpc: {
    protocols: serverProtocols.rpc,
    overUdp: true,
    create: (spec, reply, { shuffle, seed }) =>
      createRpcServer(spec as Extract<ProtocolSpec, { name: 'rpc' }>, {
        ...(reply !== undefined && { reply }),
        ...(shuffle !== undefined && { shuffle }),
        seed,
      }),
  },
  broadcast: {
    protocols: serverProtocols.broadcast,
    overUdp: false,
    create: spec => createBroadcastServer(spec as Extract<ProtocolSpec, { name: 'broadcast' }>),
  },
  http: {
    protocols: serverProtocols.http,
    overUdp: false,
    reply: helloText,
    create: (spec, reply) => createHttpServer(spec as Extract<ProtocolSpec, { name: 'http' }>, reply),
  },
}
