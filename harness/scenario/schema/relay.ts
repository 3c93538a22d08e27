import type { z } from 'zod'
import { bitRate, duration, field, mapping, share } from '../../fields.ts'
import { InvalidValue } from '../../invalidValue.ts'
import { type RelaySettings, relayLimits } from '../../relaySettings.ts'
import { parseStall, stallForms } from '../../stall.ts'

const roundTripMs = { min: 0, max: relayLimits.roundTripMsMax }
const forms = 'a mapping such as { rtt: 75ms, jitter: 3ms, rate: 50mbit }'

const relayShape = {
  rtt: duration(roundTripMs)
    .exactOptional()
    .describe(
      'How much longer a round trip takes, such as 75ms or 300us; accurate to some tens of microseconds on Linux with koffi, elsewhere to about 2ms, and there at least 2ms',
    ),
  jitter: duration(roundTripMs)
    .exactOptional()
    .describe('By how much the round trip varies at most, such as 3ms or 50us'),
  rate: bitRate(relayLimits.bitRateMin, relayLimits.bitRateMax)
    .exactOptional()
    .describe('The bandwidth each way, shared by all connections, such as 50mbit'),
  loss: share()
    .exactOptional()
    .describe(
      'Datagrams that are lost, and TCP segments that arrive as late as if lost and retransmitted, such as 0.1%',
    ),
  stall: field({ type: 'string', examples: ['1s/10s', 'forever@54s'] }, readStall)
    .exactOptional()
    .describe('Nothing passes for the last 1s of every 10s: 1s/10s; or forever after 54s: forever@54s'),
  reset: share().exactOptional().describe('TCP segments at which their connection is reset, such as 0.1%'),
} satisfies Record<keyof RelaySettings, z.ZodType>

/** The network that a relay before the target simulates. */
export const relaySchema = mapping(relayShape, forms)
  .superRefine(({ rtt = 0, jitter = 0 }, context) => {
    if (jitter <= rtt) return
    context.addIssue({ code: 'custom', path: ['jitter'], message: new InvalidValue('no more than rtt').message })
  })
  .meta({
    id: 'relay',
    description: `A network to simulate between the client and the target, by a relay on this machine: ${forms}`,
  })

function readStall(value: unknown): string {
  if (typeof value !== 'string' || parseStall(value) === undefined) throw new InvalidValue(stallForms)
  return value
}
