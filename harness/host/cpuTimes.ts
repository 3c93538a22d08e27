/** Fields of a line of /proc/stat that do not overlap: user, nice, system, idle, iowait, irq, softirq, steal. */
const fieldCount = 8

/** CPU times since the machine was started, in clock ticks: of the cores that this process may use. */
export interface CpuTimes {
  /** By the fields of /proc/stat. */
  readonly ticks: readonly number[]
  /** How many cores these are; undefined where the file does not list them. */
  readonly cores: number | undefined
  /** The machine has more of them. */
  readonly isPart: boolean
}

/**
 * The times in a text of /proc/stat: those of the `allowed` cores, or of all where these are all, or not known. A process
 * that is bound to two cores of sixteen does not share what others do on the fourteen.
 */
export function cpuTimes(stat: string, allowed: ReadonlySet<number> | undefined): CpuTimes | undefined {
  const lines = stat.split('\n')
  const rows = lines.flatMap(line => {
    const core = /^cpu(\d+) /.exec(line)?.[1]
    const ticks = ticksOf(line)
    return core === undefined || ticks === undefined ? [] : [{ core: Number(core), ticks }]
  })
  const own = rows.filter(({ core }) => allowed?.has(core))
  if (own.length > 0 && own.length < rows.length) {
    const ticks = own[0]!.ticks.map((_, field) => own.reduce((sum, row) => sum + row.ticks[field]!, 0))
    return { ticks, cores: own.length, isPart: true }
  }
  const ticks = ticksOf(lines.find(line => line.startsWith('cpu ')) ?? '')
  return ticks && { ticks, cores: rows.length > 0 ? rows.length : undefined, isPart: false }
}

/** The cores that a process may use, by the text of its /proc/<pid>/status; undefined where it does not say. */
export function allowedCores(status: string | undefined): ReadonlySet<number> | undefined {
  const list = /^Cpus_allowed_list:\s*([\d,-]+)$/m.exec(status ?? '')?.[1]
  if (list === undefined) return undefined
  const cores = new Set<number>()
  for (const range of list.split(',')) {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? []
    for (let core = Number(first); core <= Number(last) && core < coresMax; core++) cores.add(core)
  }
  return cores
}

/** More than any kernel is built for. */
const coresMax = 8192

function ticksOf(line: string): number[] | undefined {
  const ticks = line
    .trim()
    .split(/\s+/)
    .slice(1, fieldCount + 1)
    .map(Number)
  return ticks.length === fieldCount && ticks.every(Number.isFinite) ? ticks : undefined
}
