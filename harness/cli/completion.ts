import { Argument, type Command } from 'commander'
import { type ExitCode, exitCode, UserError } from '../errors.ts'
import { describedNames } from '../protocols/described.ts'
import { allNames } from '../protocols/spec.ts'
import { flagOf, optionEntries, serverNames } from '../serverOptions.ts'
import { unknownWord } from '../suggestion.ts'
import { trials } from '../torture/catalog.ts'
import { type CommandWords, type FlagWords, scripts, type Values } from './completionScripts.ts'
import type { CommandIo } from './io.ts'

/** What the values of flags and arguments are, by their placeholder in the help. */
const valuesOf: Readonly<Record<string, Values>> = {
  '<protocol>': allNames,
  '<folder>': 'folders',
  '[folder]': 'folders',
  '<file>': 'files',
  '<scenario...>': 'scenarios',
  '<url | scenario>': 'scenarios',
  '<url | protocol>': allNames,
  '<name>': describedNames,
  '<report...>': 'files',
  '<report>': 'files',
  '<shell>': Object.keys(scripts),
}

/** Values of flags whose placeholder says less. */
const flagValues: Readonly<Record<string, Values>> = {
  '--transport': ['auto', 'node', 'epoll'],
  '--log': ['connections', 'messages', 'connections,messages'],
  '--no-delay': ['on', 'off'],
  '--only': trials.map(({ name }) => name),
  '--protocol': allNames,
  '--warmup': ['auto'],
  '--workers': ['auto'],
}

/** `volley completion`: the script with which a shell completes command lines of volley. */
export function addCompletion(program: Command, io: CommandIo, done: (code: ExitCode) => void): void {
  program
    .command('completion')
    .description('print the script that completes command lines in bash, zsh or fish')
    .addArgument(new Argument('<shell>', Object.keys(scripts).join(', ')))
    .addHelpText('after', usage)
    .action((shell: string) => {
      const render = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
      if (render === undefined) throw new UserError(unknownWord('shell', shell, Object.keys(scripts)))
      io.stdout.write(render(program.commands.map(wordsOf)))
      done(exitCode.pass)
    })
}

const usage = `
  bash   add to ~/.bashrc:  source <(volley completion bash)
  zsh    add to ~/.zshrc, below compinit:  source <(volley completion zsh)
  fish   volley completion fish > ~/.config/fish/completions/volley.fish`

function wordsOf(command: Command): CommandWords {
  const [argument] = command.registeredArguments
  const name = command.name()
  const placeholder = argument === undefined ? '' : placeholderOf(argument)
  return {
    name,
    description: firstWords(command.description()),
    flags: name === 'serve' ? serverFlags() : [...command.options.map(flagWords), help],
    values: name === 'serve' ? serverCommands : (valuesOf[placeholder] ?? []),
  }
}

function placeholderOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

const help: FlagWords = { names: ['-h', '--help'], description: 'show what the command does', values: undefined }
const serverCommands = [...serverNames, 'relay', 'stop', 'reload', 'status']

function flagWords(option: Command['options'][number]): FlagWords {
  const placeholder = /<.*>$/.exec(option.flags)?.[0]
  const names = [option.short, option.long].filter(name => name !== undefined)
  return {
    names,
    description: firstWords(option.description),
    values: placeholder === undefined ? undefined : (flagValues[option.long ?? ''] ?? valuesOf[placeholder] ?? []),
  }
}

/** The options of reference servers are read by a program of their own, so the command does not have them. */
function serverFlags(): FlagWords[] {
  return optionEntries.map(([name, { short, description, placeholder }]) => ({
    names: [...(short === undefined ? [] : [`-${short}`]), flagOf(name)],
    description: firstWords(description),
    values: placeholder === undefined ? undefined : (flagValues[flagOf(name)] ?? valuesOf[placeholder] ?? []),
  }))
}

/** A description up to its first stop: what fits beside a word. */
function firstWords(description: string): string {
  return description.split(/[;:,.] | \(|\.$/)[0]!.trim()
}
