import type { TrialResult } from '../../torture/result.ts'
import { volley } from './volley.ts'

/** Runs `volley torture --json` to its end, and reads its results; none if it printed none. */
export async function volleyTorture(
  ...args: string[]
): Promise<{ code: number; trials: readonly TrialResult[]; stderr: string }> {
  const { code, stdout, stderr } = await volley('torture', ...args, '--json')
  return { code, stderr, trials: stdout === '' ? [] : JSON.parse(stdout).trials }
}
