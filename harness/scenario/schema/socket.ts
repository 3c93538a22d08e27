import type { z } from 'zod'
import { flag, mapping, size } from '../../fields.ts'
import { bufferBytes, type SocketSettings } from '../../socketOptions.ts'

const socketShape = {
  receiveBuffer: size(bufferBytes.min, bufferBytes.max)
    .exactOptional()
    .describe(
      "The kernel's receive buffer of each connection (SO_RCVBUF), such as 64KiB; over TCP transport epoll sets it",
    ),
  sendBuffer: size(bufferBytes.min, bufferBytes.max)
    .exactOptional()
    .describe(
      "The kernel's send buffer of each connection (SO_SNDBUF), such as 64KiB; over TCP transport epoll sets it",
    ),
  noDelay: flag()
    .exactOptional()
    .describe(
      'Send small requests at once (true, the default), or let them wait for the acknowledgement of those before (false: the algorithm of Nagle)',
    ),
} satisfies Record<keyof SocketSettings, z.ZodType>

/** Options of the sockets of the connections. */
export const socketSchema = mapping(socketShape, 'a mapping such as { receiveBuffer: 64KiB, noDelay: false }')
