import type { ProtocolName } from './protocol.ts'

/** Other names of protocols, which people type. */
const aliases: Readonly<Record<string, ProtocolName>> = { redis: 'resp' }

export const aliasNames: readonly string[] = Object.keys(aliases)

/** The name of a protocol in place of another one that people type; any other text as it is. */
export function canonicalName(name: string): string {
  return Object.hasOwn(aliases, name) ? aliases[name]! : name
}
