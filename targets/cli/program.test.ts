import { expect, test } from 'vitest'
import { flagOf, optionEntries, serverNames } from '../../harness/serverOptions.ts'
import { runCommand } from '../testing/command.ts'

test.each<[string[], string]>([
  [['nope'], 'unknown server "nope"; there are echo, tlv, rpc, broadcast, http and relay\n'],
  [
    ['echo', '--listen', 'x'],
    '--listen expected an address such as 127.0.0.1:8080, udp://127.0.0.1:8080 or unix:/path, got "x"\n',
  ],
  [['tlv', '--protocol', 'line'], '--protocol expected tlv, got "line"\n'],
  [['echo', '--protocol', 'tlv'], '--protocol expected raw, line or frame, got "tlv"\n'],
  [['http', '--protocol', 'resp'], '--protocol expected http, got "resp"\n'],
  [['http', '--workers', '65'], '--workers expected a whole number from 1 to 64, got "65"\n'],
  [['http', '--workers', '2', '--max-connections', '9'], '--max-connections is for a single worker\n'],
  [
    ['tlv', '--pool-size', '2', '--stall', '1s/10s', '--workers', '2'],
    '--pool-size is for a single worker\n--stall is for a single worker\n',
  ],
  [['echo', '--busy-wait'], '--busy-wait is for a server with a job pool\n'],
  [['rpc', '--service-time', 'fixed:1ms', '--shuffle', '2'], '--shuffle is not for a server with a job pool\n'],
  [['rpc', '--pool-size', '4', '--shuffle', '2'], '--shuffle is not for a server with a job pool\n'],
  [
    ['tlv', '--pool-size', '4', '--stall', '1s/10s', '--reload-every', '2s'],
    '--pool-size does not go with --reload-every: old and new processes would have a pool each\n--stall does not go with --reload-every: old and new processes would have a pool each\n',
  ],
  [
    ['tlv', '--pool-size', '0', '--service-time', 'fixed', '--stall', '2s/1s', '--seed', '-1'],
    `--pool-size expected a whole number from 1 to 1000000, or unlimited, got "0"
--service-time expected fixed:2ms, exponential:1ms, bimodal:1ms,20ms,2% or fixed:5ms@2s,fixed:1ms, got "fixed"
--stall expected 1s/10s (a stall shorter than its period) or forever@54s, got "2s/1s"
--seed expected a whole number from 0 to 9007199254740991, got "-1"
`,
  ],
  [
    ['echo', '--key', 'secret', '--max-send-buffer', '0', '--pid-file', 'x', '--reload-timeout', '1s'],
    `--max-send-buffer expected a size from 1 B to 1 GiB, got "0"
--key is for tlv, not for echo
--pid-file goes with --detach
--reload-timeout goes with --detach or --reload-every
`,
  ],
  [['tlv', '--key', 'secret', '--max-frame', '20'], '--key needs a --max-frame of at least 64B\n'],
  [
    ['broadcast', '--workers', '2', '--reload-every', '2s', '--reply', 'x', '--pool-size', '2'],
    `--reply is not for broadcast, whose answer is fixed
--pool-size is not for broadcast
--workers is not for broadcast, whose clients are all served by one process
--reload-every is not for broadcast, whose clients are all served by one process
`,
  ],
  [['tlv', '--group', 'a', '--secret', 's'], '--group is for rpc, not for tlv\n--secret is for rpc, not for tlv\n'],
  [
    ['rpc', '--group', 'a:b', '--max-frame', '20'],
    `--group expected 1 to 256 characters without ":", the first of them not "{", got "a:b"
--group goes with --secret
`,
  ],
  [['rpc', '--secret', 'not-to-be-shown'], '--secret goes with --group\n'],
  [['rpc', '--group', 'a', '--secret', 's', '--max-frame', '63'], '--group needs a --max-frame of at least 64B\n'],
  [['tlv', '--reload-every', '1'], '--reload-every expected a duration such as 2s, from 10ms to 24h, got "1"\n'],
  [['stop', '--listen', '8080'], '--listen is not for stop\n'],
  [['tlv', 'more'], 'unexpected "more": tlv takes options only\n'],
  [['echo', '--colour'], "unknown option '--colour'\n"],
  [['echo', '--protocol', 'line', '--reply', 'a\nb'], '--reply a line must not contain its delimiter "\\n"\n'],
  [
    ['echo', '--shuffle', '0', '--max-frame', 'big', '--idle-timeout', '1', '--max-connections', '-1'],
    `--max-frame expected a size from 1 B to 64 MiB, got "big"
--max-connections expected a whole number from 1 to 1000000, got "-1"
--idle-timeout expected a duration such as 30s, from 10ms to 24h, got "1"
--shuffle expected a whole number from 1 to 65536, got "0"
--shuffle is for rpc, not for echo
--max-frame is not for raw, which has no frames
`,
  ],
])('runServerCommand() exits 2 and says what is wrong with %j', async (args, message) => {
  expect(await runCommand(args)).toEqual({ code: 2, stdout: '', stderr: message })
})

test('runServerCommand() explains every option, and the relay', async () => {
  const { code, stdout, stderr } = await runCommand(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const [name, { placeholder = '' }] of optionEntries) {
    expect(stdout).toContain(`${flagOf(name)} ${placeholder}`)
  }
  for (const name of serverNames) expect(stdout).toContain(name)
  const relay = await runCommand(['relay', '--help'])
  expect(relay).toMatchObject({ code: 0, stderr: '' })
  expect(relay.stdout).toContain('--rtt <duration>')
})

test('runServerCommand() takes a key out of the environment, and never shows it', async () => {
  const key = 'not-to-be-shown'.repeat(100)
  const { code, stderr } = await runCommand(['tlv', '--max-frame', '20'], { VOLLEY_SERVE_KEY: key })
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: '--key expected 1 to 1024 characters\n',
  })
})

test.each([[[]], [['tlv', 'a', 'b']]])('runServerCommand() exits 2 for a wrong number of arguments: %j', async args => {
  expect(await runCommand(args)).toMatchObject({ code: 2, stdout: '' })
})

test.each<[string[], string]>([
  [[], '--to is missing: tcp://host:port, udp://host:port or unix:/path\n'],
  [
    ['--to', 'tls://h:1', '--listen', 'x', '--rtt', '75', '--jitter', '3ms', '--rate', '50m', '--loss', '2'],
    `--to expected tcp://host:port, udp://host:port or unix:/path, got "tls://h:1"
--listen expected an address such as 127.0.0.1:8081, got "x"
--rtt expected a duration such as 75ms, up to 10s, got "75"
--rate expected a bit rate such as 50mbit, from 1kbit to 100gbit, got "50m"
--loss expected a share such as 2%, got "2"
--jitter expected no more than --rtt, got "3ms"
`,
  ],
  [
    ['--to', '127.0.0.1:1', '--rtt', '11s', '--rate', '10bit', '--stall', '2s/1s', '--reset', '101%', '--seed', 'x'],
    `--rtt expected a duration such as 75ms, up to 10s, got "11s"
--rate expected a bit rate such as 50mbit, from 1kbit to 100gbit, got "10bit"
--stall expected 1s/10s (a stall shorter than its period) or forever@54s, got "2s/1s"
--reset expected a share such as 0.1%, got "101%"
--seed expected a whole number from 0 to 9007199254740991, got "x"
`,
  ],
  [
    ['--to', 'udp://127.0.0.1:1', '--listen', 'unix:/x', '--reset', '1%'],
    '--listen expected host:port for UDP, got "unix:/x"\n--reset is for TCP: UDP has no connections\n',
  ],
  [['--to', '127.0.0.1:1', '--idle-timeout', '1s'], '--idle-timeout is for UDP\n'],
  [
    ['--to', '127.0.0.1:1', '--listen', 'udp://127.0.0.1:0'],
    '--listen expected an address of TCP, as that of --to is, got "udp://127.0.0.1:0"\n',
  ],
  [
    ['--to', 'udp://127.0.0.1:1', '--listen', 'tcp://127.0.0.1:0'],
    '--listen expected host:port for UDP, got "tcp://127.0.0.1:0"\n',
  ],
  [['--to', '127.0.0.1:1', '--colour'], "unknown option '--colour'\n"],
])('runServerCommand() exits 2 and says what is wrong with relay %j', async (flags, message) => {
  expect(await runCommand(['relay', ...flags])).toEqual({ code: 2, stdout: '', stderr: message })
})
