import type { Report } from '../../report/record.ts'
import { loadLibc } from '../../transports/libc.ts'

const libc = loadLibc()
/** Whether the epoll transport cannot run here; then it prints that the comparison of transports is skipped, and why. */
export const epollIsMissing = typeof libc === 'string'
if (epollIsMissing) console.warn(`skipped: the comparison of the two transports, because ${libc}`)

/** The counts of a report that must be the same over every transport. */
export function accounts({ totals }: Report) {
  const { sent, completed, failed, failures } = totals
  return { sent, completed, failed, failures }
}
