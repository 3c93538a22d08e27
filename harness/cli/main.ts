#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { type ExitCode, exitCode, UserError } from '../errors.ts'
import { toolVersion } from '../version.ts'
import { addCompare } from './compare.ts'
import { printError } from './errors.ts'
import { addList } from './list.ts'
import { addRun } from './run.ts'
import { addSchema } from './schema.ts'
import { addServe } from './serve.ts'
import { addTalk } from './talk.ts'
import { addTorture } from './torture.ts'
import { addValidate } from './validate.ts'

const program = new Command('volley')
  .description('Load-tests anything that speaks a request/reply protocol over TCP or UDP')
  .version(toolVersion)
  .enablePositionalOptions()
  .exitOverride()
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    `
Exit codes: 0 pass; 1 a threshold or a trial failed; 2 could not run; 4 the run is invalid; 130 interrupted.

  volley run scenarios/echo-loopback.yaml
  volley run tcp://127.0.0.1:8080 -c 10 -d 10s --send "Hello World!"
  volley run http://127.0.0.1:8080/path -c 50
  volley serve tlv --listen 127.0.0.1:8080
  volley torture tcp://127.0.0.1:8080 --protocol tlv`,
  )

// A reader that has left, as in "volley ... | head", is no fault of ours and nothing to be told.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', error => {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    process.exit(code)
  })
}

let code: ExitCode = exitCode.pass
const done = (result: ExitCode) => {
  code = result
}
for (const add of [addRun, addServe, addTalk, addTorture, addValidate, addSchema, addList, addCompare])
  add(program, done)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof UserError) printError(error)
  else if (!(error instanceof CommanderError)) throw error
  const asked = error instanceof CommanderError && error.exitCode === 0
  code = asked ? exitCode.pass : exitCode.couldNotRun
}
// What a pipe has not taken yet would be lost with us.
const flushed = [process.stdout, process.stderr].map(stream => new Promise(resolve => stream.write('', resolve)))
await Promise.all(flushed)
process.exit(code)
