import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { packageRoot } from '../built.ts'
import { type ExitCode, exitCode, messageOf, UserError } from '../errors.ts'
import { describeProtocol } from '../protocols/describeProtocol.ts'
import { loadScenario } from '../scenario/load.ts'
import { printable } from '../terminal/cells.ts'
import type { CommandIo } from './io.ts'

/** `volley list`: the scenarios of a folder, with their descriptions. */
export function addList(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('list')
    .description('list the scenarios of a folder')
    .argument('[folder]', 'the folder (default: scenarios in the working directory, else those that come with volley)')
    .action(async (folder?: string) => {
      const where = folder ?? (existsSync('scenarios') ? 'scenarios' : join(packageRoot, 'scenarios'))
      const files = await scenarioFiles(where)
      const rows = await Promise.all(files.map(file => describe(join(where, file), io.env)))
      const widths = [0, 1].map(column => Math.max(...rows.map(row => row[column]!.length)))
      for (const [name, protocol, description] of rows) {
        io.stdout.write(`${name.padEnd(widths[0]!)}  ${protocol.padEnd(widths[1]!)}  ${description}\n`)
      }
      done(exitCode.pass)
    })
}

async function scenarioFiles(folder: string): Promise<string[]> {
  try {
    const files = (await readdir(folder)).filter(file => /\.ya?ml$/.test(file)).sort()
    if (files.length > 0) return files
  } catch (error) {
    throw new UserError(`cannot list ${folder}: ${messageOf(error)}`)
  }
  throw new UserError(`${folder} has no scenarios, which are files that end in .yaml`)
}

async function describe(file: string, variables: CommandIo['env']): Promise<[string, string, string]> {
  try {
    const { scenario } = await loadScenario(file, [], variables)
    return [file, describeProtocol(scenario.protocol), printable(scenario.description ?? '')]
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return [
      file,
      '-',
      `${error.faults.length === 1 ? '1 fault' : `${error.faults.length} faults`}: see "volley validate ${file}"`,
    ]
  }
}
