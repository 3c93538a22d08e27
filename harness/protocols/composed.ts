import { createProtocol } from './catalog.ts'
import { overDatagrams } from './datagram.ts'
import { layeredProtocol } from './layers/layered.ts'
import type { LayerSettings } from './layers/settings.ts'
import type { Protocol } from './protocol.ts'
import type { ProtocolSpec } from './protocolSpec.ts'

/** A protocol with its layers, over a stream or in datagrams; `opensAll` is passed on to `layeredProtocol`. */
export function composeProtocol(
  spec: ProtocolSpec,
  over: { readonly layers: LayerSettings | undefined; readonly overUdp: boolean; readonly opensAll?: boolean },
): Protocol {
  const { layers, overUdp, opensAll = true } = over
  const plain = createProtocol(spec)
  return layeredProtocol(overUdp ? overDatagrams(plain) : plain, layers, { opensAll })
}
