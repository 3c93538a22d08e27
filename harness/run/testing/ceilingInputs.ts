import { describeEnvironment } from '../../host/processes.ts'
import { planRun } from '../../plan/plan.ts'
import { parseScenario } from '../../scenario/load.ts'
import { chooseTransport } from '../../transports/catalog.ts'
import type { Address } from '../../transports/transport.ts'
import type { CeilingInputs } from '../ceiling.ts'
import { prepareScenario } from '../prepare.ts'

export const tcp: Address = { scheme: 'tcp', host: '192.0.2.1', port: 7 }

/** The inputs after a run; the address of its target is never connected to. */
export async function inputsOf(yaml: string, address: Address = tcp, workers = 1): Promise<CeilingInputs> {
  const connections = yaml.includes('clients:') ? '' : 'connections: 4\n'
  const text = `name: ceiling\ntarget: { address: "tcp://192.0.2.1:7" }\n${connections}${yaml}\n`
  const loaded = parseScenario(text, 'ceiling.yaml', [], {})
  const { protocol, bank, seed } = await prepareScenario(loaded)
  const { name: transport } = chooseTransport('auto', address)
  const pair = { sent: 0, completed: 0 }
  return {
    loaded,
    plan: planRun(loaded.scenario, { address, protocol, bank, transport, seed, workers }),
    bank,
    environment: { ...describeEnvironment(), cores: 4 },
    deliveries: 0,
    firstReplies: [],
    shownPerSecond: 0,
    totals: {
      sent: 1000,
      completed: 1000,
      failed: 0,
      inFlightAtEnd: 0,
      bytesSent: 10_000,
      bytesReceived: 100_000,
      failures: {},
      connects: 4,
      handshakes: pair,
      heartbeats: pair,
    },
    options: { signal: new AbortController().signal, times: { warmupMs: 50, measuredMs: 100 } },
  }
}

export const line = 'protocol: line\nloop: [{ send: hello }]'
