import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from './volley.ts'

/** An invented machine: by how much its counters grow between two readings, and how fast its wall clock runs. */
export interface InventedMachine {
  /** Ticks that the hypervisor gives to others, of 1,000 clock ticks of all cores. */
  readonly stealTicks?: number
  readonly throttledMs?: number
  readonly retransmits?: number
  readonly tcpTimeouts?: number
  readonly wallClockSpeed?: number
}

/**
 * Variables that make a Node process read invented values as the kernel's counters and the wall clock. They do not depend
 * on anything else that runs, and the machine itself is not changed.
 */
export function inventedMachine(machine: InventedMachine): Record<string, string> {
  const { stealTicks = 0, throttledMs = 0, retransmits = 0, tcpTimeouts = 0, wallClockSpeed = 1 } = machine
  const folder = temporaryFolder()
  const file = join(folder, 'machine.mjs')
  writeFileSync(
    file,
    `import fs from 'node:fs'
     import { syncBuiltinESMExports } from 'node:module'
     import { threadId } from 'node:worker_threads'
     const counters = {
       '/proc/net/snmp': reads => 'Tcp: RetransSegs\\nTcp: ' + reads * ${retransmits} + '\\n',
       '/proc/net/netstat': reads => 'TcpExt: TCPTimeouts\\nTcpExt: ' + reads * ${tcpTimeouts} + '\\n',
       '/proc/stat': reads => 'cpu  0 0 0 ' + reads * ${1000 - stealTicks} + ' 0 0 0 ' + reads * ${stealTicks} + '\\n',
       '/proc/self/cgroup': () => '0::/\\n',
       '/sys/fs/cgroup/cpu.stat': reads => 'nr_throttled 0\\nthrottled_usec ' + reads * ${throttledMs * 1000} + '\\n',
     }
     const reads = {}
     const { openSync } = fs
     fs.openSync = (path, ...rest) => {
       if (!Object.hasOwn(counters, path)) return openSync(path, ...rest)
       reads[path] = (reads[path] ?? 0) + 1
       const file = ${JSON.stringify(`${folder}/`)} + process.pid + '-' + threadId
       fs.writeFileSync(file, counters[path](reads[path]))
       return openSync(file, 'r')
     }
     syncBuiltinESMExports()
     const { now } = Date
     const begin = now()
     Date.now = () => begin + ${wallClockSpeed} * (now() - begin)`,
  )
  return { NODE_OPTIONS: `--import=${pathToFileURL(file).href}` }
}
