import { Document, visit } from 'yaml'
import { isMapping, type Mapping } from '../../mapping.ts'

/** What is written above a key, and below it: other values that a beginner may want. */
interface Comment {
  readonly above?: string
  /** As it has to be indented, with its `#`. */
  readonly below?: (value: unknown, settings: Mapping) => readonly string[]
}

/** The keys in the order in which they are written; others follow. An empty line comes before those with a comment above. */
const comments: Readonly<Record<string, Comment>> = {
  name: {},
  target: {
    above: 'The server to test. To start it for the run: { command: "./my-server --port {port}" }',
  },
  tls: {},
  protocol: {
    above: 'How messages are framed: raw, line, frame, tlv, rpc, broadcast, http or resp',
  },
  connections: { above: 'How hard the server is loaded: connections, and requests in flight on each of them' },
  load: {
    below: value =>
      has(value, 'rate')
        ? []
        : ['# load: { rate: 1k/s }   # a planned rate: response times as users see them, also while the server stalls'],
  },
  duration: { above: 'How long the measured part is; before it comes a warm-up, by itself as long as it needs' },
  requests: { above: 'How many requests are sent, over all connections' },
  warmup: {},
  timeout: { above: 'How long a reply may take' },
  loop: {
    above:
      'What each connection sends, again and again. Slots differ in every request: {{seq}}, {{uuid}}, {{random 0..9999}}',
    below: (value, { load }) => {
      const last = Array.isArray(value) ? value.at(-1) : undefined
      // At a planned rate no connection pauses.
      const isPaced = has(load, 'rate') || has(load, 'stages')
      return [
        ...(has(last, 'expect')
          ? []
          : ['    # expect: { contains: OK }   # what the reply must be; any other is a failure']),
        ...(has(last, 'think') || isPaced
          ? []
          : ['    # think: 1s   # a pause after each reply; drawn anew each time: { mean: 1s, spread: exponential }']),
      ]
    },
  },
  mix: { above: 'What connections send: steps drawn at random by weight' },
  thresholds: {
    above: 'Limits: if one does not hold, the exit code is 1',
    below: () => ['  # - p99 < 50ms', '  # - throughput > 1k/s'],
  },
}

const heading = [
  'A scenario for volley. "volley run FILE" runs it, "volley validate FILE" checks it, "volley schema" prints every key.',
  'A flag changes a key for one run: -c 100, -d 30s, --set load.pipeline=4',
]

/** The text of a scenario file with these settings, which are plain data as in a file, with comments. */
export function renderScenario(settings: Mapping): string {
  const order = Object.keys(comments)
  const known = order.filter(key => key in settings)
  const keys = [...known, ...Object.keys(settings).filter(key => !order.includes(key))]
  const parts = keys.map(key => {
    const { above, below } = comments[key] ?? {}
    const value = settings[key]
    const start = above === undefined ? '' : `\n# ${above}\n`
    return `${start}${entry(key, value)}${(below?.(value, settings) ?? []).map(line => `${line}\n`).join('')}`
  })
  return `${heading.map(line => `# ${line}\n`).join('')}${parts.join('')}`
}

function has(value: unknown, key: string): boolean {
  return isMapping(value) && key in value
}

/** One key: a list with a line for each entry, which may be a mapping; what is within them in one line each. */
function entry(key: string, value: unknown): string {
  const document = new Document({ [key]: escaped(value) })
  visit(document, {
    Collection(_, node, { length }) {
      // Above the value of the key are the document, its mapping and the pair of both.
      node.flow = Array.isArray(value) ? length > 4 : length > 2
    },
    // A text of several lines is quoted: as a block it would take in the comments below it, and as it is its first line
    // may read as the end of a key.
    Scalar(_, node) {
      if (typeof node.value === 'string' && node.value.includes('\n')) node.type = 'QUOTE_DOUBLE'
    },
  })
  return document.toString({ lineWidth: 0, flowCollectionPadding: true, blockQuote: false })
}

/** Text as it is meant: `${` would be a variable of the environment. */
function escaped(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('${', () => '$${')
  if (Array.isArray(value)) return value.map(escaped)
  if (!isMapping(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, escaped(item)]))
}
