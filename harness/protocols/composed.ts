import { createProtocol } from './catalog.ts'
import { overDatagrams } from './datagram.ts'
import { layeredProtocol } from './layers/layered.ts'
import type { LayerSettings } from './layers/settings.ts'
import type { Protocol } from './protocol.ts'
import type { ProtocolSpec } from './protocolSpec.ts'

/** The protocol of a run, its layers and its carrier: plain and cloneable, so that a plan can carry it to its workers. */
export interface SpokenProtocol {
  readonly spec: ProtocolSpec
  /** The layers of bodies; absent where there are none. */
  readonly layers?: LayerSettings
  /** One datagram is one frame; otherwise the protocol frames a stream. */
  readonly overUdp: boolean
}

/** The protocol with its layers, over a stream or in datagrams; `opensAll` is passed on to `layeredProtocol`. */
export function composeProtocol(spoken: SpokenProtocol, { opensAll = true } = {}): Protocol {
  const plain = createProtocol(spoken.spec)
  return layeredProtocol(spoken.overUdp ? overDatagrams(plain) : plain, spoken.layers, { opensAll })
}
