import { runServerCommand } from './cli/program.ts'

const { stdout, stderr, env } = process
// A reader that closes its end of a pipe early does not end a server.
for (const stream of [stdout, stderr]) stream.on('error', () => {})
process.exit(await runServerCommand(process.argv.slice(2), { stdout, stderr, env }))
