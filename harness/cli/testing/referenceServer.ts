import { serverSettings } from '../../../targets/cli/settings.ts'
import { startServer } from '../../../targets/server/tcp.ts'
import { startUdpServer } from '../../../targets/server/udp.ts'
import { formatListen } from '../../listenAddress.ts'
import type { OptionTexts } from '../../serverOptions.ts'
import { cleanUpWith } from './volley.ts'

export interface ReferenceServer {
  readonly url: string
  /** What it has counted so far. */
  requests(): number
  deliveries(): number
  stop(): Promise<void>
}

/**
 * Starts a reference server in this process with the options of `volley serve`, for tests that are not about starting one:
 * a process takes half a second of CPU time to start. `cleanUp` stops it.
 */
export async function referenceServer(name: string, options: OptionTexts = {}): Promise<ReferenceServer> {
  const settings = serverSettings(name, { listen: '127.0.0.1:0', ...options })
  const server = settings.overUdp ? await startUdpServer(settings) : await startServer(settings)
  const stop = () => server.stop()
  cleanUpWith(stop)
  return {
    url: formatListen(server.address, settings.overUdp ? 'udp' : 'tcp'),
    requests: () => server.counters().requests,
    deliveries: () => server.counters().deliveries,
    stop,
  }
}
