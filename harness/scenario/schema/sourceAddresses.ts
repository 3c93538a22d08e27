import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import { z } from 'zod'
import { field, listOf } from '../../fields.ts'
import { InvalidValue } from '../../invalidValue.ts'
import { formatCount } from '../../units.ts'

const addressesMax = 4096
const forms = 'an IP address or a range such as 127.0.0.2-127.0.0.9'

/** An entry of the list: an IPv6 address, or a range of IPv4 addresses as numbers, both ends included. */
type Entry = string | { readonly first: number; readonly last: number }

const entry = field({ type: 'string', examples: ['127.0.0.2-127.0.0.9', '127.0.0.20'] }, readEntry)

const addresses = listOf(entry, 'addresses', 1, addressesMax)
  .superRefine(checkEntries)
  .transform(entries => entries.flatMap(expand))

const none = z.literal('none').transform((): string[] => [])

/** Addresses and ranges of addresses, expanded to a list of addresses; `none` is an empty list. */
export const sourceAddressesSchema = z.union([none, addresses], 'expected none, or a list of addresses')

function readEntry(value: unknown): Entry {
  if (typeof value !== 'string') throw new InvalidValue(forms)
  // Each address gets its one canonical form, so that duplicates are found; this form has no zone.
  if (isIPv6(value) && !value.includes('%')) return new SocketAddress({ address: value, family: 'ipv6' }).address
  const [first, last = first, more] = value.split('-')
  if (!isIPv4(first!) || !isIPv4(last!) || more !== undefined) throw new InvalidValue(forms)
  const range = { first: toNumber(first!), last: toNumber(last!) }
  if (range.first > range.last) throw new InvalidValue(`${forms}, the lower address first`)
  return range
}

function checkEntries(entries: readonly Entry[], context: z.RefinementCtx): void {
  const total = entries.reduce<number>((sum, entry) => sum + countOf(entry), 0)
  if (total > addressesMax) {
    context.addIssue(new InvalidValue(`at most ${formatCount(addressesMax)} addresses`, formatCount(total)).message)
    return
  }
  if (new Set(entries.map(entry => typeof entry)).size > 1) {
    context.addIssue(new InvalidValue('addresses of one family', 'IPv4 and IPv6').message)
  }
  const seen = new Set<string>()
  entries.forEach((entry, index) => {
    const addresses = expand(entry)
    const again = addresses.find(address => seen.has(address))
    if (again !== undefined) {
      const message = new InvalidValue('each address once', `${again} again`).message
      context.addIssue({ code: 'custom', path: [index], message })
    }
    for (const address of addresses) seen.add(address)
  })
}

function countOf(entry: Entry): number {
  return typeof entry === 'string' ? 1 : entry.last - entry.first + 1
}

function expand(entry: Entry): string[] {
  if (typeof entry === 'string') return [entry]
  return Array.from({ length: countOf(entry) }, (_, index) => toText(entry.first + index))
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function toText(number: number): string {
  return [24, 16, 8, 0].map(shift => (number >>> shift) & 0xff).join('.')
}
