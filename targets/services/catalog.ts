import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import type { Service } from '../server/service.ts'
import { createBroadcastServer } from './broadcast.ts'
import { createEcho } from './echo.ts'
import { createHttpServer, helloText } from './http.ts'
import { createRpcServer } from './rpc.ts'
import { createTlvServer } from './tlv.ts'

/** The order of replies, where it is another than that of the requests. */
export interface Order {
  readonly shuffle?: number
  readonly seed: number
}

/** A reference server: what it speaks, and how its service is made. */
export interface Target {
  readonly protocols: readonly ProtocolSpec['name'][]
  /** Whether it serves over UDP as well, where each message and each reply is a datagram. */
  readonly overUdp: boolean
  /** What it answers unless it is told to; by default the request. */
  readonly reply?: string
  create(spec: ProtocolSpec, reply: string | undefined, order: Order): Service
}

/** The reference servers by name. */
export const targets: Readonly<Record<string, Target>> = {
  echo: { protocols: ['raw', 'line', 'frame'], overUdp: true, create: (spec, reply) => createEcho(spec, reply) },
  tlv: {
    protocols: ['tlv'],
    overUdp: true,
    create: (spec, reply) => createTlvServer(spec as Extract<ProtocolSpec, { name: 'tlv' }>, reply),
  },
  rpc: {
    protocols: ['rpc'],
    overUdp: true,
    create: (spec, reply, order) =>
      createRpcServer(spec as Extract<ProtocolSpec, { name: 'rpc' }>, {
        ...(reply !== undefined && { reply }),
        ...order,
      }),
  },
  broadcast: {
    protocols: ['broadcast'],
    overUdp: false,
    create: spec => createBroadcastServer(spec as Extract<ProtocolSpec, { name: 'broadcast' }>),
  },
  http: {
    protocols: ['http'],
    overUdp: false,
    reply: helloText,
    create: (spec, reply) => createHttpServer(spec as Extract<ProtocolSpec, { name: 'http' }>, reply),
  },
}

/** Their names as a sentence lists them. */
export const targetNames = 'echo, tlv, rpc, broadcast, http and relay'
