import type { Command } from 'commander'
import { load, prepare } from '../api.ts'
import { type ExitCode, exitCode, type Fault, UserError } from '../errors.ts'
import { printError } from './errors.ts'
import type { CommandIo } from './io.ts'
import { readSources } from './sources.ts'

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
          const [source] = await readSources([file], io)
          const { name, text } = source!
          await prepare(await load(name, { variables: io.env, ...(text !== undefined && { text }) }))
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
