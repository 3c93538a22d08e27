import { exitCode, unexpectedText } from '../harness/errors.ts'

const { stdout, stderr, env } = process
// What cannot be written does not end a server by an exception: the server itself decides.
for (const stream of [stdout, stderr]) stream.on('error', () => {})
process.on('uncaughtException', error => {
  stderr.write(unexpectedText(error, { stack: (env['VOLLEY_DEBUG'] ?? '') !== '' }))
  process.exit(exitCode.couldNotRun)
})
// Imported here, as the files of a program may be more than the process may open at once.
const { runServerCommand } = await import('./cli/program.ts')
process.exit(await runServerCommand(process.argv.slice(2), { stdout, stderr, env }))
