import { execFile } from 'node:child_process'
import { access, constants, readdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { packageRoot } from '../../harness/built.ts'
import type { PeerRecord } from '../results.ts'

const versionMsMax = 5000
/** Debian has each version of PostgreSQL in a folder of its own, and in the usual one only scripts that look for it. */
const postgresVersions = '/usr/lib/postgresql'
/** Folders with servers that a user's PATH may not include. */
const moreFolders = ['/usr/sbin', '/usr/local/sbin', join(packageRoot, 'node_modules/.bin')]

/** The programs that the bench runs if installed: how to ask for their version, and where it is in the output. */
const known = {
  cc: { args: ['--version'], version: /([\d.]+)$/m },
  taskset: { args: ['--version'], version: /([\d.]+)$/m },
  script: { args: ['--version'], version: /([\d.]+)$/m },
  wrk: { args: ['-v'], version: /^wrk (?:\w+\/)?(\S+)/m },
  // It has no such flag.
  hey: { args: [], version: /(?!)/ },
  autocannon: { args: ['--version'], version: /v?(\d[\d.]*)/ },
  nginx: { args: ['-v'], version: /nginx\/(\S+)/ },
  'redis-server': { args: ['--version'], version: /v=(\S+)/ },
  'redis-benchmark': { args: ['--version'], version: /redis-benchmark (\S+)/ },
  sockperf: { args: ['--version'], version: /version (\S+)/ },
  postgres: { args: ['--version'], version: /PostgreSQL\) (\S+)/ },
  initdb: { args: ['--version'], version: /PostgreSQL\) (\S+)/ },
  pgbench: { args: ['--version'], version: /PostgreSQL\) (\S+)/ },
  setpriv: { args: ['--version'], version: /util-linux (\S+)/ },
  mosquitto: { args: ['-h'], version: /mosquitto version (\S+)/ },
} as const

export type PeerName = keyof typeof known

/** An installed program. */
export interface Peer {
  readonly path: string
  readonly version: string
}

/** The known programs that are installed. */
export type Peers = ReadonlyMap<PeerName, Peer>

/** Looks for every known program. */
export async function findPeers(): Promise<Peers> {
  const names = Object.keys(known) as PeerName[]
  const found = await Promise.all(names.map(async name => [name, await findPeer(name)] as const))
  return new Map(found.flatMap(([name, peer]) => (peer === undefined ? [] : [[name, peer]])))
}

/** All known programs, for the results. */
export function describePeers(peers: Peers): PeerRecord[] {
  return (Object.keys(known) as PeerName[]).map(name => {
    const peer = peers.get(name)
    return peer === undefined ? { name } : { name, version: peer.version }
  })
}

/** The path of a program; throws with a reason fit for a row if it is not installed. */
export function pathOf(peers: Peers, name: PeerName): string {
  const peer = peers.get(name)
  if (peer === undefined) throw new Error(`${name} is not installed`)
  return peer.path
}

/** The version in the output of a program. */
export function parseVersion(name: PeerName, text: string): string {
  return known[name].version.exec(text)?.[1]?.trim() ?? 'version unknown'
}

async function findPeer(name: PeerName): Promise<Peer | undefined> {
  const versions = await readdir(postgresVersions).catch(() => [])
  const postgres = versions.sort().map(version => join(postgresVersions, version, 'bin'))
  for (const folder of [...postgres, ...(process.env['PATH'] ?? '').split(delimiter), ...moreFolders]) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere && folder !== '') return { path, version: parseVersion(name, await outputOf(path, known[name].args)) }
  }
  return undefined
}

/** The output of a program on both streams, whatever its exit code. */
function outputOf(path: string, args: readonly string[]): Promise<string> {
  return new Promise(resolve => {
    execFile(path, args, { timeout: versionMsMax }, (_error, stdout, stderr) => resolve(`${stdout}\n${stderr}`))
  })
}
