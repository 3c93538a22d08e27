import { formatCount, formatSize } from '../units.ts'
import type { FrameSettings, ProtocolSpec } from './protocolSpec.ts'

/** A protocol in a title: its name and unusual settings, such as `frame, 2-byte little-endian length`. */
export function describeProtocol(spec: ProtocolSpec): string {
  if ('called' in spec && spec.called !== undefined) return spec.called
  switch (spec.name) {
    case 'raw':
      return spec.replyBytes === undefined ? 'raw' : `raw, replies of ${formatSize(spec.replyBytes)}`
    case 'line':
      return spec.delimiter === '\n' ? 'line' : `line, ended by ${JSON.stringify(spec.delimiter)}`
    case 'frame':
      return 'request' in spec ? 'frame' : describeFrame(spec)
    case 'rpc':
      return `${spec.lengthPrefix ? 'rpc' : 'rpc without length prefix'}${describeIdMax(spec.id)}`
    case 'broadcast':
      return spec.framing === undefined || spec.framing === 'line' ? 'broadcast' : `broadcast, framing ${spec.framing}`
    case 'resp':
      return spec.version === undefined ? 'resp' : `resp, version ${spec.version}`
    case 'tlv':
    case 'http':
      return spec.name
  }
}

function describeFrame({ lengthOffset, lengthBytes, endian, id }: FrameSettings): string {
  const order = lengthBytes === 1 ? '' : `${endian}-endian `
  const length = `, ${lengthBytes}-byte ${order}length${lengthOffset === 0 ? '' : ` at ${lengthOffset}`}`
  const usual = lengthOffset === 0 && lengthBytes === 4 && endian === 'big'
  return `frame${usual ? '' : length}${id ? `, ${id.bytes}-byte id at ${id.offset}` : ''}${describeIdMax(id)}`
}

function describeIdMax(id: { readonly max?: number } | undefined): string {
  return id?.max === undefined ? '' : `, ids up to ${formatCount(id.max)}`
}
