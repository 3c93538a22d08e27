import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'

const othersMayWrite = 0o022
const pidSuffix = '.pid'
const filesMax = 1000

/** Where pid files are when nobody says otherwise: below XDG_RUNTIME_DIR, or a folder of this user's below /tmp. */
export function runtimeFolder(): string {
  const given = process.env['XDG_RUNTIME_DIR']
  return given ? join(given, 'volley') : join(tmpdir(), `volley-${userInfo().uid}`)
}

/** Makes the folder; throws a UserError when it is not this user's alone, as anybody may make one below /tmp. */
export function makeRuntimeFolder(): string {
  const folder = runtimeFolder()
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    if (found.isDirectory() && found.uid === userInfo().uid && (found.mode & othersMayWrite) === 0) return folder
  } catch (error) {
    throw new UserError(`${folder} cannot be made: ${(error as Error).message}; say where with --pid-file`)
  }
  throw new UserError(`${folder} is not a folder that only this user may write to; say where with --pid-file`)
}

/** The name of a server in the background: `tlv-8080`. */
export function daemonName(target: string, address: ListenAddress): string {
  const place = 'path' in address ? basename(address.path).replace(/[^\w.-]/g, '_') : address.port
  return `${target}-${place}`
}

/** The pid file of a name. */
export function pidFileOf(folder: string, name: string): string {
  return join(folder, `${name}${pidSuffix}`)
}

/** The names that have a pid file, in order. */
export function daemonNames(): string[] {
  try {
    const files = readdirSync(runtimeFolder()).filter(file => file.endsWith(pidSuffix))
    return files
      .slice(0, filesMax)
      .map(file => file.slice(0, -pidSuffix.length))
      .sort()
  } catch {
    return []
  }
}
