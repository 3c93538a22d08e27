import { plural } from '../units.ts'
import { fileDescriptorsMax } from './processes.ts'

/** File descriptors that a program needs besides its connections. */
const ownDescriptors = 64
/** More than enough for the files of the program, which are opened at once as it is loaded. */
const loadingDescriptors = 256

/** What is missing, and what to do about it. */
export interface Shortage {
  readonly message: string
  readonly hint: string
}

/** Why so many connections cannot be held; undefined where they can. */
export function connectionShortage(
  connections: number,
  most: number = fileDescriptorsMax(),
  isRoot: boolean = process.getuid?.() === 0,
): Shortage | undefined {
  const needed = connections + ownDescriptors
  if (needed <= most) return undefined
  const fewer = most > ownDescriptors ? `ask for at most ${most - ownDescriptors} connections, or ` : ''
  return {
    message: `${connections} connections need more file descriptors than this process may have open (${most})`,
    hint: `${fewer}${advice(needed, isRoot)}`,
  }
}

/** What the program needs that could not be loaded for want of descriptors; `args` are those of its command line. */
export function loadingShortage(
  args: readonly string[],
  most: number = fileDescriptorsMax(),
  isRoot: boolean = process.getuid?.() === 0,
): Shortage {
  const connections = connectionsIn(args)
  const needed = Math.max(loadingDescriptors, connections + ownDescriptors)
  const what = connections === 0 ? 'volley needs' : `volley with ${plural(connections, 'connection')} needs`
  return {
    message: `${what} ${needed} file descriptors, and this process may have ${most} open`,
    hint: advice(needed, isRoot),
  }
}

/** The connections that a command line asks for, as far as it can be read before the program is loaded. */
function connectionsIn(args: readonly string[]): number {
  const found = /(?:^| )(?:-c|--connections)[ =]?(\d{1,7})(?: |$)/.exec(args.join(' '))
  return found === null ? 0 : Number(found[1])
}

/** Only root may raise the limit above what it is for this process already. */
function advice(needed: number, isRoot: boolean): string {
  const raise = `raise the limit: "ulimit -n ${needed}"`
  if (isRoot) return raise
  return `${raise} in a new shell; where that is refused, root raises it in /etc/security/limits.conf, with LimitNOFILE= in systemd, or with --ulimit nofile=${needed} in docker`
}
