import { formatEndpoint } from '../address.ts'
import type { RelaySettings } from '../relaySettings.ts'
import type { Address } from '../transports/transport.ts'

/** Decimal places: enough for whole nanoseconds, and for four digits of one part in a thousand million. */
const millisecondDigits = 6
const percentDigits = 12

/** The arguments that start a relay to `upstream` on a free port of this machine. */
export function relayArguments(upstream: Address, settings: RelaySettings, seed: number): string[] {
  const { rtt, jitter, rate, loss, stall, reset } = settings
  const flags = {
    // TLS passes through unchanged: to the relay it is bytes over TCP.
    to: formatEndpoint(upstream).replace(/^tls:/, 'tcp:'),
    listen: '127.0.0.1:0',
    seed: String(seed),
    rtt: rtt === undefined ? undefined : `${rtt.toFixed(millisecondDigits)}ms`,
    jitter: jitter === undefined ? undefined : `${jitter.toFixed(millisecondDigits)}ms`,
    rate: rate === undefined ? undefined : `${rate}bit`,
    loss: loss === undefined ? undefined : `${(loss * 100).toFixed(percentDigits)}%`,
    stall,
    reset: reset === undefined ? undefined : `${(reset * 100).toFixed(percentDigits)}%`,
  }
  const given = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))
  return ['relay', ...given]
}

/** The relay's address in place of the upstream's; over TLS the certificate must still be the upstream's. */
export function addressThrough(relay: Address, upstream: Address): Address {
  if (upstream.scheme !== 'tls' || relay.scheme === 'unix') return relay
  return { ...upstream, host: relay.host, port: relay.port, tls: { verifiedHost: upstream.host, ...upstream.tls } }
}
