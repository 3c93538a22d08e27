import { parseEndpoint } from '../../address.ts'
import { type Issue, issue, showPath } from '../path.ts'
import { isDatagramTarget } from '../resolve.ts'
import type { ScenarioSettings } from '../schema/schema.ts'
import { addressOf, targetsOf } from './targets.ts'

/** Options of sockets that a target, or the transport for it, does not have. */
export function socketIssues(settings: Partial<ScenarioSettings>): Issue[] {
  const { socket, transport } = settings
  if (socket === undefined) return []
  const buffers = (['receiveBuffer', 'sendBuffer'] as const).filter(name => socket[name] !== undefined)
  return targetsOf(settings).flatMap(({ path: place, target }) => {
    const scheme = isDatagramTarget(target) ? 'udp' : parseEndpoint(addressOf(target)).scheme
    const isStreamOfNode = scheme === 'tls' || (scheme !== 'udp' && transport === 'node')
    const why = scheme === 'tls' ? `${showPath(place)} has TLS, which runs over node` : 'transport is node'
    const isOverTcp = scheme === 'tcp' || scheme === 'tls'
    return [
      ...(isStreamOfNode ? buffers : []).map(name => issue(['socket', name], `needs transport epoll, and ${why}`)),
      ...(socket.noDelay === undefined || isOverTcp
        ? []
        : [issue(['socket', 'noDelay'], `needs TCP, and ${showPath(place)} is ${scheme}`)]),
    ]
  })
}
