import { UserError } from '../../harness/errors.ts'
import { composeProtocol } from '../../harness/protocols/composed.ts'
import type { OptionValues, ServerName } from '../../harness/serverOptions.ts'
import { Secrets } from '../../harness/shownBytes.ts'
import { poolService } from '../pool/pool.ts'
import { Schedule, type ScheduleSettings } from '../pool/schedule.ts'
import { describeBytes, describeFields } from '../server/describeMessage.ts'
import type { Service } from '../server/service.ts'
import type { DescribeMessage } from '../server/trafficLog.ts'
import { targets } from '../services/catalog.ts'
import { groupedService } from '../services/grouped.ts'
import { keyedService } from '../services/keyed.ts'
import { layeredService } from '../services/layered.ts'
import { createNaive } from '../services/naive.ts'
import type { Framing } from './framing.ts'

const seedDefault = 1
/** Protocols whose frames have headers that are no text. */
const binaryProtocols: readonly string[] = ['frame', 'tlv', 'rpc']

/**
 * The service of a server with everything that goes around it: job pool, layers, then the login to a group or the
 * handshake with a key. Throws a UserError when the reply does not fit the protocol.
 */
export function composeService(server: ServerName, values: OptionValues, framing: Framing): Service {
  const { spec, layers } = framing
  const { key, group, secret } = values
  const plain = plainService(server, values, framing)
  const pool = poolOf(values)
  const pooled = pool === undefined ? plain : poolService(plain, new Schedule(pool))
  const layered = layers === undefined ? pooled : layeredService(pooled, spec, layers)
  const isGrouped = group !== undefined && secret !== undefined
  const grouped = isGrouped ? groupedService(layered, { id: group, secret }) : layered
  return key === undefined ? grouped : keyedService(grouped, key)
}

/** How a log describes the messages of a service, without the secrets of its options. */
export function describerOf({ protocol }: Service, values: OptionValues, { spec }: Framing): DescribeMessage {
  const { naive, key, layerKey, secret } = values
  const secrets = new Secrets(
    [],
    [key, layerKey, secret].filter(text => text !== undefined),
  )
  // What a naive server reads need not be a frame.
  const hasFields = naive === undefined && binaryProtocols.includes(spec.name)
  return hasFields ? describeFields(protocol, secrets) : describeBytes(secrets)
}

function plainService(server: ServerName, values: OptionValues, { spec, layers }: Framing): Service {
  const { naive, shuffle, replyType, seed = seedDefault, listen } = values
  const target = targets[server]
  const reply = values.reply ?? target.reply ?? 'echo'
  const text = reply === 'echo' ? undefined : reply
  try {
    // Over UDP a reply must fit into a datagram, with its layers.
    if (listen?.overUdp && text !== undefined) {
      composeProtocol({ spec, ...(layers && { layers }), overUdp: true }).encode({ body: Buffer.from(text) })
    }
    if (naive !== undefined) return createNaive(spec, naive, values.reply)
    return target.create(spec, text, {
      seed,
      ...(shuffle !== undefined && { shuffle }),
      ...(replyType !== undefined && { replyType }),
    })
  } catch (error) {
    if (error instanceof RangeError) throw new UserError([{ place: '--reply', message: error.message }])
    throw error
  }
}

/** The job pool that the options ask for; undefined where they ask for none. */
function poolOf({ poolSize, serviceTime, stall, seed = seedDefault }: OptionValues): ScheduleSettings | undefined {
  if (poolSize === undefined && serviceTime === undefined && stall === undefined) return undefined
  return {
    poolSize: poolSize ?? 1,
    seed,
    ...(serviceTime !== undefined && { serviceTime }),
    ...(stall !== undefined && { stall }),
  }
}
