import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import { type ServerName, serverProtocols } from '../../harness/serverOptions.ts'
import type { Service } from '../server/service.ts'
import { createBroadcastServer } from './broadcast.ts'
import { createEcho } from './echo.ts'
import { createHttpServer, helloText } from './http.ts'
import { createRpcServer } from './rpc.ts'
import { createTlvServer } from './tlv.ts'

/** The order of replies. */
export interface Order {
  readonly shuffle?: number
  readonly seed: number
}

/** A reference server: what it speaks and how its service is created. */
export interface Target {
  readonly protocols: readonly ProtocolSpec['name'][]
  /** Whether it serves over UDP too, with a datagram for each message and each reply. */
  readonly overUdp: boolean
  /** The default reply; the request, where absent. */
  readonly reply?: string
  create(spec: ProtocolSpec, reply: string | undefined, order: Order): Service
}

/** The reference servers by name. */
export const targets: Readonly<Record<ServerName, Target>> = {
  echo: { protocols: serverProtocols.echo, overUdp: true, create: (spec, reply) => createEcho(spec, reply) },
  tlv: {
    protocols: serverProtocols.tlv,
    overUdp: true,
    create: (spec, reply) => createTlvServer(spec as Extract<ProtocolSpec, { name: 'tlv' }>, reply),
  },
  rpc: {
    protocols: serverProtocols.rpc,
    overUdp: true,
    create: (spec, reply, order) =>
      createRpcServer(spec as Extract<ProtocolSpec, { name: 'rpc' }>, {
        ...(reply !== undefined && { reply }),
        ...order,
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
