import { lstatSync, mkdirSync, readdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { UserError } from '../../harness/errors.ts'
import type { ListenAddress } from '../../harness/listenAddress.ts'

const othersMayWrite = 0o022
const pidSuffix = '.pid'
const filesMax = 1000

/** The default folder of pid files: below XDG_RUNTIME_DIR, or a folder of this user below /tmp. */
export function runtimeFolder(environment: NodeJS.ProcessEnv): string {
  const given = environment['XDG_RUNTIME_DIR']
  return given ? join(given, 'volley') : join(tmpdir(), `volley-${userInfo().uid}`)
}

/** Creates the folder; throws a UserError when other users can write to it, as anybody may create one below /tmp. */
export function makeRuntimeFolder(environment: NodeJS.ProcessEnv): string {
  const folder = runtimeFolder(environment)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const found = lstatSync(folder)
    if (found.isDirectory() && found.uid === userInfo().uid && (found.mode & othersMayWrite) === 0) return folder
  } catch (error) {
    throw new UserError(`${folder} cannot be created: ${(error as Error).message}; choose a file with --pid-file`)
  }
  throw new UserError(`${folder} is not a folder that only this user can write to; choose a file with --pid-file`)
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

/** The names of all pid files in a folder, sorted. */
export function daemonNames(folder: string): string[] {
  try {
    const files = readdirSync(folder).filter(file => file.endsWith(pidSuffix))
    return files
      .slice(0, filesMax)
      .map(file => file.slice(0, -pidSuffix.length))
      .sort()
  } catch {
    return []
  }
}
