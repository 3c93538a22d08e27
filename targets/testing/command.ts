import { runServerCommand } from '../cli/program.ts'

/** Runs `volley serve` in this process, for commands that end by themselves; returns the exit code and the output. */
export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const output = { stdout: '', stderr: '' }
  const into = (stream: keyof typeof output) => ({
    write: (text: string) => {
      output[stream] += text
    },
  })
  const code = await runServerCommand(args, { stdout: into('stdout'), stderr: into('stderr'), env })
  return { code, ...output }
}
