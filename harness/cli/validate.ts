import type { Command } from 'commander'
import { type ExitCode, exitCode, type Fault, UserError } from '../errors.ts'
import { prepareScenario } from '../run/prepare.ts'
import { printError } from './errors.ts'
import type { CommandIo } from './io.ts'
import { loadSources } from './sources.ts'

/** `volley validate`: checks everything about scenarios that needs no traffic. */
export function addValidate(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('validate')
    .description('check scenario files, and the files that they name, without any traffic')
    .argument('<scenario...>', 'scenario files, - for standard input')
    .action(async (files: string[]) => {
      const faults: Fault[] = []
      for (const file of files) {
        try {
          const [loaded] = await loadSources([file], [], undefined, io)
          await prepareScenario(loaded!)
          io.stdout.write(`${file}: ok\n`)
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          faults.push(...error.faults.map(fault => (fault.place ? fault : { ...fault, place: file })))
        }
      }
      if (faults.length > 0) printError(new UserError(faults), io.stderr)
      done(faults.length > 0 ? exitCode.couldNotRun : exitCode.pass)
    })
}
