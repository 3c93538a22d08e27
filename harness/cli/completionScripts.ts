/** What comes at a place of the command line: words, or files that are looked up as it is completed. */
export type Values = readonly string[] | 'scenarios' | 'files' | 'folders'

export interface FlagWords {
  readonly names: readonly string[]
  readonly description: string
  /** Undefined for a flag without a value; empty where nothing is known of it. */
  readonly values: Values | undefined
}

/** The words of a command: its flags, and the values of its arguments. */
export interface CommandWords {
  readonly name: string
  readonly description: string
  readonly flags: readonly FlagWords[]
  readonly values: Values
}

/** The scripts by shell. Each offers commands and, as `run` may be left out, scenarios; then flags and values. */
export const scripts: Readonly<Record<string, (commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

const fallback = 'run'

function bashScript(commands: readonly CommandWords[]): string {
  const branches = commands.map(({ name, flags, values }) => {
    const byAction = new Map<string, string[]>()
    for (const flag of flags) {
      if (flag.values === undefined) continue
      const action = bashValues(flag.values)
      byAction.set(action, [...(byAction.get(action) ?? []), ...flag.names])
    }
    const cases = [...byAction].map(([action, found]) => `        ${found.join('|')}) ${action}; return ;;`)
    const names = flags.flatMap(flag => flag.names).join(' ')
    return [
      `    ${name === fallback ? '*' : name})`,
      ...(cases.length === 0 ? [] : ['      case $before in', ...cases, '      esac']),
      `      if [[ $word == -* ]]; then _volley_words "${names}"; else ${bashValues(values)}; fi ;;`,
    ].join('\n')
  })
  // The command without a name is run: its branch comes last, as it matches every word.
  const ordered = [
    ...branches.filter(text => !text.startsWith('    *)')),
    ...branches.filter(text => text.startsWith('    *)')),
  ]
  return `# Completion of volley in bash: source <(volley completion bash)
_volley_words() { local IFS=$' \\t\\n'; COMPREPLY+=($(compgen -W "$1" -- "$word")); }
_volley_paths() { local IFS=$'\\n'; COMPREPLY+=($(compgen "$@" -- "$word")); compopt -o filenames 2> /dev/null; }
_volley_files() { _volley_paths -f; }
_volley_folders() { _volley_paths -d; }
_volley_scenarios() {
  _volley_paths -f -X '!*.yaml'
  _volley_paths -f -X '!*.yml'
  _volley_paths -d
}
_volley() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if ((COMP_CWORD == 1)) && [[ $word != -* ]]; then
    _volley_words "${commands.map(({ name }) => name).join(' ')} help"
    [[ -z $word ]] || _volley_scenarios
    return
  fi
  case $command in
${ordered.join('\n')}
  esac
}
complete -F _volley volley
`
}

function bashValues(values: Values): string {
  if (typeof values !== 'string') return values.length === 0 ? ':' : `_volley_words "${values.join(' ')}"`
  return `_volley_${values}`
}

function zshScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`)
  const branch = ({ name, flags, values }: CommandWords) => {
    const specs = flags.flatMap(flag =>
      flag.names.map(flagName => {
        const text = flag.description.replaceAll(/[[\]:]/g, ' ')
        const value = flag.values === undefined ? '' : `:value:${zshValues(flag.values)}`
        return quote(`*${flagName}[${text}]${value}`)
      }),
    )
    const all = [...specs, quote(`*:argument:${zshValues(values)}`)]
    return `    ${name === fallback ? '*' : name})\n      _arguments -S ${all.join(' \\\n        ')} ;;`
  }
  const others = commands.filter(({ name }) => name !== fallback)
  const run = commands.filter(({ name }) => name === fallback)
  return `#compdef volley
# Completion of volley in zsh: source <(volley completion zsh)
_volley() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then
    _describe command commands
    _files -g '*.(yaml|yml)'
    return
  fi
  local command=$words[2]
  [[ $command == -* ]] || { shift words; ((CURRENT--)); }
  case $command in
${[...others, ...run].map(branch).join('\n')}
  esac
}
if [[ $funcstack[1] == _volley ]]; then _volley "$@"; else compdef _volley volley; fi
`
}

function zshValues(values: Values): string {
  if (values === 'scenarios') return '_files -g "*.(yaml|yml)"'
  if (values === 'files') return '_files'
  if (values === 'folders') return '_files -/'
  return values.length === 0 ? ' ' : `(${values.join(' ')})`
}

function fishScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  const none = `not __fish_seen_subcommand_from ${names}`
  const lines = commands.flatMap(({ name, description, flags, values }) => {
    const within =
      name === fallback ? `__fish_seen_subcommand_from ${name}; or ${none}` : `__fish_seen_subcommand_from ${name}`
    return [
      `complete -c volley -n ${quote(none)} -f -a ${name} -d ${fishQuote(description)}`,
      ...fishValues(values).map(part => `complete -c volley -n ${quote(within)} ${part}`),
      ...flags.map(flag => {
        const words = flag.names.map(word => (word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`))
        const takes = flag.values === undefined ? [] : [fishFlagValues(flag.values)]
        return [
          'complete -c volley',
          `-n ${quote(within)}`,
          ...words,
          ...takes,
          `-d ${fishQuote(flag.description)}`,
        ].join(' ')
      }),
    ]
  })
  return `# Completion of volley in fish: volley completion fish > ~/.config/fish/completions/volley.fish
complete -c volley -f
${lines.join('\n')}
`
}

function fishValues(values: Values): string[] {
  if (values === 'scenarios') return ["-k -a '(__fish_complete_suffix .yaml)'"]
  if (values === 'files') return ['-F']
  if (values === 'folders') return ["-a '(__fish_complete_directories)'"]
  return values.length === 0 ? [] : [`-a ${fishQuote(values.join(' '))}`]
}

function fishFlagValues(values: Values): string {
  if (values === 'files' || values === 'scenarios') return '-r -F'
  if (values === 'folders') return "-x -a '(__fish_complete_directories)'"
  return values.length === 0 ? '-x' : `-x -a ${fishQuote(values.join(' '))}`
}

/** A text for a shell of the Bourne family. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function fishQuote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
