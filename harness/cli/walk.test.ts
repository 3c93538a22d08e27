import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { cleanUp, Invocation, listen, scenarioFile, startRun, volley } from './testing/volley.ts'

afterEach(cleanUp)

/** Answers each line with what `reply` makes of it; the greeting comes first. */
function lines(reply: (line: string) => string, greeting = ''): Promise<{ url: string }> {
  return listen(socket => {
    socket.write(greeting)
    socket.on('data', bytes => {
      for (const line of String(bytes).trim().split('\n')) socket.write(`${reply(line)}\n`)
    })
  })
}

function scenario(url: string, more = ''): string {
  return scenarioFile(
    `name: x\ntarget: { address: "${url}" }\nprotocol: line\nconnections: 9\nrequests: 900\nconnect: [{ send: login }]\n` +
      `loop: [{ send: one, expect: echo }, { send: two, expect: { matches: "^YES" } }]\nthresholds: [throughput > 90M/s]\n${more}`,
  )
}

describe('volley talk with a scenario', () => {
  test('shows both directions as frames, with hex, and what was wrong', async () => {
    const { url } = await lines(line => (line === 'two' ? 'YES' : line))
    const { code, stdout } = await volley('talk', scenario(url))
    expect(stdout).toBe(
      `connected
> "login"
    0000: 6c 6f 67 69 6e 0a
< "login"
    0000: 6c 6f 67 69 6e 0a
> "one"
    0000: 6f 6e 65 0a
< "one"
    0000: 6f 6e 65 0a
> "two"
    0000: 74 77 6f 0a
< "YES"
    0000: 59 45 53 0a

ok     loop[0]  "one"
ok     loop[1]  "YES"
ok     connect[0]  "login"
2 of 2 steps answered as expected
`,
    )
    expect(code).toBe(0)
  })

  test('shows what was expected where another reply came', async () => {
    const { url } = await lines(line => `no ${line}`)
    const { code, stdout } = await volley('talk', scenario(url))
    expect(code).toBe(1)
    expect(stdout).toContain('WRONG  loop[0]  expected its request back, got "no one"\n')
    expect(stdout).toContain('WRONG  loop[1]  expected ^YES, got "no two"\n')
    expect(stdout).toContain('0 of 2 steps answered as expected\n')
  })

  test('shows fields of a message, and bytes that are none of its protocol', async () => {
    const { url } = await listen(socket => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\n')))
    const file = scenarioFile(
      `name: x\ntarget: { address: "${url}" }\nprotocol: rpc\nloop: [{ send: { type: 7, body: hi } }]\n`,
    )
    const { code, stdout } = await volley('talk', file)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^> .*type 7 .* "hi"$/m)
    expect(stdout).toMatch(/^< 17 bytes that are no whole frame\n {4}0000: 48 54 54 50/m)
  })

  test('refuses flags beside it', async () => {
    const { code, stderr } = await volley('talk', 'x.yaml', '--protocol', 'line', '--type', '3')
    expect(code).toBe(2)
    expect(stderr).toContain('--protocol  cannot be combined with a scenario file')
    expect(stderr).toMatch(/--type +cannot be combined with a scenario file/)
  })

  test('shows no secret, in either direction', async () => {
    const { url } = await lines(line => `you said ${line}, ${Buffer.from('opensesame').toString('hex')}`)
    const file = scenarioFile(
      `name: x\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: "user \${WORD}", expect: echo }]\n`,
    )
    const { stdout } = await new Invocation(['talk', file], { env: { WORD: 'opensesame' } }).ended
    expect(stdout).toContain('> "user ***"')
    expect(stdout).toContain('< "you said user ***, ***"')
    expect(stdout).not.toMatch(/opensesame|6f70656e|6f 70 65 6e/)
  })
})

describe('volley talk', () => {
  test('shows bytes that are no message of the protocol', async () => {
    const { url } = await listen(socket => socket.on('data', () => socket.write('no reply\r\n')))
    const { code, stderr } = await new Invocation(['talk', url, '--protocol', 'resp'], { stdin: 'x\n' }).ended
    expect(code).toBe(2)
    expect(stderr).toContain('the reply is not a resp message: "no reply\\r\\n"')
  })

  test('writes nothing of a server to the terminal that would act on it', async () => {
    const replies = [
      ...[
        'plain "as" it\tis \\o/',
        'over\rwritten',
        'a page ends here\f and here \v',
        'a title \x1b]0;x\x07 of a window',
      ],
      ...['colours by \u009b31m', 'turned \u202eround', 'two\u2028lines'],
    ]
    const rest = [...replies]
    const { url } = await lines(() => rest.shift()!)
    const stdin = 'x\n'.repeat(replies.length)
    const { code, stdout } = await new Invocation(['talk', url, '--protocol', 'line'], { stdin }).ended
    expect({ code, lines: stdout.split('\n') }).toEqual({
      code: 0,
      lines: [
        replies[0],
        ...['"over\\rwritten"', '"a page ends here\\x0c and here \\x0b"', '"a title \\x1b]0;x\\x07 of a window"'],
        ...['"colours by \\x9b31m"', '"turned \\u{202e}round"', '"two\\u{2028}lines"'],
        '',
      ],
    })
  })

  test('says why bytes are no message without the control characters in them', async () => {
    const { url } = await listen(socket =>
      socket.on('data', () => socket.write('HTTP/1.1 20\u009b31m\u0007\r\n\r\n', 'latin1')),
    )
    const { stderr } = await new Invocation(['talk', url, '--protocol', 'http'], { stdin: 'GET /\n' }).ended
    expect(stderr).toContain('without a status: "HTTP/1.1 20\\x9b31m\\x07"')
    expect(stderr.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  test('shows the beginning of a message whose rest does not come', async () => {
    const { url } = await listen(socket => socket.on('data', () => socket.end('half')))
    const { stderr } = await new Invocation(['talk', url], { stdin: 'x\n' }).ended
    expect(stderr).toContain('the server closed the connection; 4 bytes came that are no whole message: "half"')
  })
})

describe('volley run --once', () => {
  test('prints what came for each step, and leaves out what asks for a load', async () => {
    const { url } = await lines(line => line)
    const { code, stdout, report } = await startRun([scenario(url), '--once']).ended()
    expect(report.totals).toMatchObject({ sent: 2, completed: 1, failed: 1, connects: 1 })
    expect(report.thresholds).toEqual([])
    expect(stdout).toMatch(/^ {2}loop\[0\] {4}"one"$/m)
    expect(stdout).toMatch(/^ {2}loop\[1\] {4}expected \^YES, got "two"$/m)
    expect(stdout).toMatch(/^ {2}failed at {2}loop\[1\] 1$/m)
    expect(stdout).toMatch(/^x {3}1 of 2 steps answered as expected {3}FAIL$/m)
    expect(report).toMatchObject({ findings: [], pass: { answered: 1, steps: 2, isAsExpected: false } })
    expect(code).toBe(1)
  })

  test('passes where each step was answered as expected, also with --strict', async () => {
    const { url } = await lines(line => (line === 'two' ? 'YES' : line))
    const { code, stdout, report } = await startRun([scenario(url), '--once', '--strict']).ended()
    expect(stdout).toMatch(/^x {3}2 of 2 steps answered as expected {3}pass$/m)
    expect(report.findings.filter(({ severity }) => severity !== 'note')).toEqual([])
    expect(code).toBe(0)
  })

  test('refuses flags that ask for a load, all at once, and keeps what a file or a variable has for other runs', async () => {
    const load = ['-c', '100', '-n', '5', '-R', '10/s', '-p', '2', '-d', '9s', '-w', '2', '--set', 'load.mode=rate']
    const { code, stderr } = await volley('run', scenario('tcp://127.0.0.1:1'), '--once', ...load)
    expect(code).toBe(2)
    const message = 'cannot be combined with --once, which makes one pass over the steps on one connection'
    const places = ['--connections', '--duration', '--requests', '--pipeline', '--workers', '--rate', '--set load.mode']
    for (const place of places) expect(stderr).toMatch(new RegExp(`^${place} +${message}$`, 'm'))
    expect(stderr).toContain('7 faults; nothing was sent')
    const variables = { VOLLEY_CONNECTIONS: '7' }
    const refused = await new Invocation(['run', scenario('tcp://127.0.0.1:1'), '--once'], { env: variables }).ended
    expect(refused.stderr).not.toContain('--once')
  })
})

test('a secret of the scenario is masked in the reply that a run shows, in every file and on the terminal', async () => {
  const { url } = await lines(line => `refused: ${line} ${Buffer.from('opensesame').toString('base64')}`)
  const file = scenarioFile(
    `name: x\ntarget: { address: "${url}" }\nprotocol: line\nloop: [{ send: "token \${WORD}", expect: echo }]\n`,
  )
  const { stdout, report, volley } = await (async () => {
    const started = startRun([file, '-n', '20'], { env: { WORD: 'opensesame' } })
    return { ...(await started.ended()), volley: started.volley }
  })()
  expect(report.samples).toMatchObject([
    { kind: 'unexpected', count: 20, text: expect.stringMatching(/^refused: token \*\*\* \*\*\*/) },
  ])
  for (const text of [stdout, volley.stderr, JSON.stringify(report)]) {
    expect(text).not.toMatch(/opensesame|b3BlbnNlc2Ft/)
  }
  expect(volley.stderr).toContain('! unexpected: expected its request back, got "refused: token ***')
})

test('a server that speaks first does not shift the replies, and the run says so', async () => {
  const { url } = await lines(line => line, '220 ready\n')
  const { report, stdout } = await startRun([
    url,
    '--protocol',
    'line',
    '--send',
    'n {{seq}}',
    '--set',
    'loop[0].expect=echo',
    '-c',
    '3',
    '-n',
    '300',
  ]).ended()
  expect(report.totals).toMatchObject({ completed: 300, failed: 0, failures: {} })
  expect(stdout).toContain('the server speaks first: "220 ready"')
})

test('volley talk goes once through the request of an HTTP URL', async () => {
  const { url } = await listen(socket =>
    socket.on('data', () => socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone')),
  )
  const { code, stdout } = await volley('talk', `${url.replace('tcp:', 'http:')}/users`)
  expect(code).toBe(1)
  expect(stdout).toContain('> method "GET"  path "/users"')
  expect(stdout).toContain('status 404')
  expect(stdout).toContain('    0000: 48 54 54 50 2f 31 2e 31 20 34 30 34')
  const refused = await volley('talk', 'http://127.0.0.1:1/', '--protocol', 'line', '--insecure')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toBe(
    '--protocol  cannot be combined with an HTTP URL, which is requested once\n1 fault; nothing was sent\n',
  )
})

test('a header that logs in is sent, and neither shown nor saved', async () => {
  let sent = ''
  const { url } = await listen(socket =>
    socket.on('data', bytes => {
      sent ||= String(bytes)
      const body = 'no such user: opensesame'
      const head = ['HTTP/1.1 401 Unauthorized', `Content-Length: ${body.length}`, 'Set-Cookie: sid=0123456789abcdef']
      socket.write([...head, '', body].join('\r\n'))
    }),
  )
  const address = url.replace('tcp:', 'http:')
  const login = `Authorization: Basic ${Buffer.from('ann:opensesame').toString('base64')}`
  const once = await startRun([`${address}/a`, '--once', '-H', login, '-H', 'Accept: text/html']).ended()
  expect(sent).toContain(`${login}\r\n`)
  expect(once.stdout).toContain('no such user: ***')
  expect(once.report.scenario.loop?.[0]?.send).toMatchObject({ headers: { Authorization: '***', Accept: 'text/html' } })
  const file = scenarioFile(
    `name: x\ntarget: { address: "${url}" }\nprotocol: http\nloop: [{ send: { path: /a, headers: { ${login} } } }]\n`,
  )
  const talk = await volley('talk', file)
  expect(talk.stdout).toContain('\\"authorization\\":\\"***')
  const inHex = [...'opensesame'].map(letter => letter.charCodeAt(0).toString(16)).join(' ')
  for (const text of [once.stdout, JSON.stringify(once.report), talk.stdout]) {
    expect(text).not.toMatch(/opensesame|b3BlbnNlc2Ft/)
    expect(text).not.toContain(inHex)
  }
  // A cookie that the server gives out is as good as a password.
  expect(talk.stdout).toContain('\\"set-cookie\\":\\"***')
  expect(talk.stdout).not.toContain('0123456789abcdef')
  const wrong = await volley('run', address, '-H', 'Authorization Bearer opensesame')
  expect(wrong.stderr).toContain(`expected a header such as 'Accept: text/html', got "Authorization" and no colon`)
  expect(wrong.stderr).not.toContain('opensesame')
})

test('volley talk goes through the steps of each group on a connection of its own, and shows which that is', async () => {
  const subscribed = new Set<Socket>()
  const { url } = await listen(socket => {
    socket.on('data', bytes => {
      const line = String(bytes).trim()
      const answer = () => {
        if (line === 'SUB') subscribed.add(socket)
        if (line === 'PUB') for (const other of subscribed) other.write('MSG hello\n')
        socket.write('OK\n')
      }
      // A subscription takes longer than the publisher needs to be ready.
      if (line === 'SUB') setTimeout(answer, 200)
      else answer()
    })
  })
  const file = scenarioFile(
    `name: x\ntarget: { address: "${url}" }\nprotocol: { line: {}, replies: { deliver: "MSG " } }\nclients:\n` +
      '  - { name: subs, connections: 100, connect: [ { send: SUB } ] }\n  - { connections: 10, loop: [ { send: PUB } ] }\n',
  )
  const { code, stdout } = await volley('talk', file)
  const texts = stdout.split('\n').filter(line => line !== '' && !/^ +\d{4}:/.test(line))
  expect(texts.toSorted()).toEqual(
    [
      'subs  connected',
      'subs  > "SUB"',
      'subs  < "OK"',
      'subs  < "MSG hello"',
      'clients[1]  connected',
      'clients[1]  > "PUB"',
      'clients[1]  < "OK"',
      'ok     clients[1].loop[0]  "OK"',
      'ok     subs.connect[0]  "OK"',
      '1 of 1 step answered as expected',
    ].toSorted(),
  )
  expect(texts.indexOf('subs  < "OK"')).toBeLessThan(texts.indexOf('clients[1]  > "PUB"'))
  expect(code).toBe(0)
})
