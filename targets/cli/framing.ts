import { UserError } from '../../harness/errors.ts'
import { list } from '../../harness/invalidValue.ts'
import { datagramBytesMax } from '../../harness/protocols/datagram.ts'
import { checkLayers, type LayerSettings, splitLayerNames } from '../../harness/protocols/layers/settings.ts'
import type { ProtocolSpec } from '../../harness/protocols/protocolSpec.ts'
import { rawBytesMax } from '../../harness/protocols/raw.ts'
import { parseProtocolText, serverSide } from '../../harness/protocols/spec.ts'
import type { OptionName, OptionTexts, OptionValues, ServerName } from '../../harness/serverOptions.ts'
import { targets } from '../services/catalog.ts'

/** The messages of a handshake with a key, or of a login to a group, fit into frames of this length. */
const handshakeFrameBytesMin = 64
const layeredHandshakeFrameBytesMin = 1024

/** Records what is wrong with an option. */
export type AddFault = (option: OptionName, message: string) => void

/** How a server's messages are framed. */
export interface Framing {
  readonly spec: ProtocolSpec
  readonly layers?: LayerSettings
  /** The longest message that is accepted, in bytes. */
  readonly maxFrame: number
}

/** The framing that the options ask for; undefined where it is not known because of a fault. */
export function framingOf(
  server: ServerName,
  { texts, values }: { readonly texts: OptionTexts; readonly values: OptionValues },
  addFault: AddFault,
): Framing | undefined {
  const overUdp = values.listen?.overUdp === true
  const { protocols, overUdp: hasUdp } = targets[server]
  if (overUdp && !hasUdp) addFault('listen', `${server} does not serve over UDP`)
  const named = readProtocol(values.protocol ?? protocols[0]!, addFault)
  if (named && !protocols.includes(named.name)) {
    addFault('protocol', `expected ${list(protocols, 'or')}, got "${named.name}"`)
  }
  if (named?.name === 'raw' && texts.maxFrame !== undefined) {
    addFault('maxFrame', 'is not for raw, which has no frames')
  }
  const { framing } = values
  const framed = named?.name === 'broadcast' && framing !== undefined ? { ...named, framing } : named
  checkAddresses(framed, values, addFault)
  const hasMaxFrame = framed !== undefined && framed.name !== 'raw' && values.maxFrame !== undefined
  const spec = hasMaxFrame ? { ...framed, maxFrame: values.maxFrame } : framed
  const asked = { names: splitLayerNames(textOf(texts.layers)), key: textOf(texts.layerKey) }
  const labels = { layers: '--layers', key: '--layer-key' }
  const layers = checkLayers(asked, spec, labels, (flag, message) => {
    addFault(flag === labels.layers ? 'layers' : 'layerKey', message)
  })
  const streamBytesMax = spec === undefined || spec.name === 'raw' ? rawBytesMax : spec.maxFrame
  const maxFrame = overUdp ? Math.min(streamBytesMax, datagramBytesMax) : streamBytesMax
  checkHandshake(server, values, { maxFrame, isLayered: layers !== undefined }, addFault)
  return spec && { spec, maxFrame, ...(layers !== undefined && { layers }) }
}

/** Bare texts begin with the address of a client, which it does not have over a unix socket. */
function checkAddresses(spec: ProtocolSpec | undefined, { listen }: OptionValues, addFault: AddFault): void {
  if (spec?.name !== 'broadcast' || spec.framing !== 'text') return
  if (listen === undefined || !('path' in listen.address)) return
  addFault(
    'framing',
    'text needs TCP: bare texts begin with the address of a client, and over a unix socket it has none',
  )
}

/** A handshake with a key, or a login to a group, must fit into the frames. */
function checkHandshake(
  server: ServerName,
  values: OptionValues,
  { maxFrame, isLayered }: { readonly maxFrame: number; readonly isLayered: boolean },
  addFault: AddFault,
): void {
  const bytesMin = isLayered ? layeredHandshakeFrameBytesMin : handshakeFrameBytesMin
  if (maxFrame >= bytesMin) return
  const names: OptionName[] = [
    ...(server === 'tlv' && values.key !== undefined ? (['key'] as const) : []),
    ...(server === 'rpc' && values.group !== undefined && values.secret !== undefined ? (['group'] as const) : []),
  ]
  for (const name of names) addFault(name, `needs a --max-frame of at least ${bytesMin}B`)
}

function textOf(option: OptionTexts[OptionName]): string | undefined {
  return typeof option === 'string' ? option : undefined
}

function readProtocol(text: string, addFault: AddFault): ProtocolSpec | undefined {
  try {
    return serverSide(parseProtocolText(text))
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    for (const { message } of error.faults) addFault('protocol', message)
    return undefined
  }
}
