import type { Command } from 'commander'
import { type ExitCode, exitCode } from '../errors.ts'
import { scenarioJsonSchema } from '../scenario/schema/jsonSchema.ts'
import type { CommandIo } from './io.ts'

/** `volley schema`: the JSON Schema of scenario files, for editors. */
export function addSchema(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('schema')
    .description('print the JSON Schema of scenario files')
    .action(() => {
      io.stdout.write(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`)
      done(exitCode.pass)
    })
}
