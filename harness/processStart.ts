import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const psMsMax = 5000

/**
 * When a process was started, as a text that can only be compared with another one for the same process id: id and text
 * together identify one process, even after the id was reused. Undefined when there is no such process, or only a zombie.
 */
export function processStart(pid: number): string | undefined {
  return process.platform === 'linux' ? startInProc(pid) : startByPs(pid)
}

function startInProc(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may contain anything; the fields after it are numbered from 3 (proc(5)).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const [state, startTicks] = [fields[0], fields[19]]
    return state === 'Z' || state === 'X' ? undefined : startTicks
  } catch {
    return undefined
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const args = ['-o', 'lstart=', '-p', String(pid)]
    return execFileSync('ps', args, { encoding: 'utf8', timeout: psMsMax, stdio: 'pipe' }).trim() || undefined
  } catch {
    return undefined
  }
}
