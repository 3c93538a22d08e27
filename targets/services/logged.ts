import { tooLarge } from '../../harness/protocols/protocol.ts'
import type { Service } from '../server/service.ts'
import type { TrafficLog } from '../server/trafficLog.ts'

/** A service whose messages are told to the log before it answers them. */
export function loggedService(service: Service, log: TrafficLog): Service {
  const { overlong } = service
  return {
    ...service,
    message(connection, bytes, from, end, replies) {
      log.message(connection, bytes, from, end)
      service.message(connection, bytes, from, end, replies)
    },
    ...(overlong && {
      overlong(connection, bytes, from, replies) {
        log.faulty(connection, tooLarge, true)
        overlong(connection, bytes, from, replies)
      },
    }),
    refuse(connection, reason, replies) {
      log.faulty(connection, reason, false)
      service.refuse?.(connection, reason, replies)
    },
  }
}
