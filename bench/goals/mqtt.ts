import type { Goal } from '../goal.ts'
import { interleave } from '../interleave.ts'
import { judgeRatio, noneMeasured } from '../judge.ts'
import { type Server, startEcho, startMosquitto } from '../servers.ts'
import { transports, volleySide } from '../volley.ts'

const connections = 50
/** No other program sends pings as a load, so there is nothing that the figures have to reach. */
const claims = transports.map(name => ({ name, figure: 'requestsPerCore' }) as const)
const costs = transports.map(name => ({ name, figure: 'cpuMicros' }) as const)

/** P11: MQTT's PINGREQ to mosquitto, compared with lines that volley sends to an echo server. */
export const mqtt: Goal = {
  id: 'P11',
  title: 'MQTT PINGREQ to mosquitto: requests/s per client core beside echoed lines',
  async measure(bench) {
    if (!bench.peers.has('mosquitto')) {
      return { groups: [], rows: noneMeasured(claims, 'mosquitto is not installed'), notes: [] }
    }
    const servers: Server[] = []
    try {
      const broker = await startMosquitto(bench)
      servers.push(broker)
      const echo = await startEcho(bench)
      servers.push(echo)
      const args = ['-c', String(connections)]
      const lines = [...args, '--protocol', 'line', '--send', 'Hello World!']
      const records = await interleave(
        transports.flatMap(transport => [
          volleySide(bench, `mqtt, ${transport}`, { target: `mqtt://127.0.0.1:${broker.port}`, transport, args }),
          volleySide(bench, `line, ${transport}`, { target: `tcp://127.0.0.1:${echo.port}`, transport, args: lines }),
        ]),
        { ...bench.settings, ...bench },
      )
      const isMqtt = (name: string) => name.startsWith('mqtt')
      return {
        groups: [
          {
            name: `PINGREQ, ${connections} connections`,
            server: broker.command,
            sides: records.filter(({ name }) => isMqtt(name)),
          },
          {
            name: `lines, ${connections} connections`,
            server: echo.command,
            sides: records.filter(({ name }) => !isMqtt(name)),
          },
        ],
        rows: [...claims, ...costs].map((claim, at) => {
          const pair = (at % transports.length) * 2
          return judgeRatio(claim, records[pair]!, records[pair + 1]!)
        }),
        notes: [],
      }
    } finally {
      await Promise.all(servers.map(server => server.stop()))
    }
  },
}
