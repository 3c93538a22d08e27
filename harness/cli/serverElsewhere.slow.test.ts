import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { builtFile } from '../built.ts'
import { cleanUp, cleanUpWith, scenarioFile, spawnRun, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

/** A command that has its server started outside of its own processes, as `docker run` does, and waits. */
function startsElsewhere(): string {
  const file = join(temporaryFolder(), 'pid')
  cleanUpWith(() => process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL'))
  const serve = `exec \\"${process.execPath}\\" \\"${builtFile('targets/main')}\\" echo --protocol line --listen 127.0.0.1:{port}`
  return `setsid -f sh -c 'echo $$ > \\"${file}\\"; ${serve}' < /dev/null > /dev/null 2>&1; exec sleep 60`
}

test.skipIf(process.platform !== 'linux')(
  'a server that a command has started by another program counts as the server (only Linux tells)',
  async () => {
    const scenario = `name: elsewhere
target: { command: "${startsElsewhere()}", address: "tcp://127.0.0.1:{port}" }
protocol: line
connections: 4
warmup: 0s
loop: [{ send: ping }]
`
    const { report, stderr } = await spawnRun([scenarioFile(scenario), '-d', '2s']).ended()
    expect(stderr).not.toContain('error')
    // Its command only waits: without the process that listens this would be next to nothing.
    expect(report.server!.cores).toBeGreaterThan(0.005)
    expect(report.server!.cpuMicrosPerRequest).toBeGreaterThan(0.5)
    expect(report.machine).not.toHaveProperty('takenForServer')
  },
)
