import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { freePort } from '../port.ts'
import { Program, skipWithout, until } from './testing/programs.ts'
import { balances, cleanUp, run, scenarioFile, temporaryFolder } from './testing/volley.ts'

afterEach(cleanUp)

const page = `<html>${'hello from nginx '.repeat(40)}</html>`

/** An nginx of one process with a static page and a page with its own counts; its port. */
async function startNginx(skip: (why: string) => void, requestsPerConnection = 1_000_000_000): Promise<number> {
  skipWithout('nginx', '-v', 'nginx-light', skip)
  const port = await freePort()
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'www'))
  writeFileSync(join(folder, 'www', 'index.html'), page)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    name => `${name}_temp_path ${folder}/${name};`,
  )
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  keepalive_requests ${requestsPerConnection};
  types { text/html html; }
  ${temporary.join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    root ${folder}/www;
    location = /status { stub_status; }
  }
}
`,
  )
  const nginx = new Program('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'])
  await until(`nginx, which said: ${nginx.output}`, () =>
    requestsOf(port).then(
      () => true,
      () => false,
    ),
  )
  return port
}

/** The requests that nginx has counted so far, including the one for its status. */
async function requestsOf(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/status`)).text()
  return Number(/accepts handled requests\n \d+ \d+ (\d+)/.exec(text)![1])
}

test('a real nginx answers without a failure, in pipelines too, and counts what volley counts', async ({ skip }) => {
  const port = await startNginx(skip)
  for (const pipeline of [1, 16]) {
    const before = await requestsOf(port)
    const file = scenarioFile(`
name: nginx
target: { address: "tcp://127.0.0.1:${port}" }
protocol: http
connections: 8
load: { mode: loop, pipeline: ${pipeline} }
requests: 300
mix:
  - { send: GET /, expect: { status: 200, contains: "hello from nginx" }, weight: 4 }
  - { send: "GET /{{random 8}}", expect: { status: 404 }, weight: 1 }
`)
    const { code, report } = await run(file)
    expect(code).toBe(0)
    expect(report.totals.failures).toEqual({})
    expect(report.totals.connects).toBe(8)
    expect(report.totals.completed).toBe(300)
    expect(balances(report)).toBe(true)
    // The last request for the status counts itself.
    expect((await requestsOf(port)) - before - 1).toBe(report.totals.completed + report.totals.inFlightAtEnd)
  }
})

test('an nginx that ends its connections after some requests has answered all of them', async ({ skip }) => {
  const port = await startNginx(skip, 20)
  for (const pipeline of [1, 8]) {
    const before = await requestsOf(port)
    const { report } = await run(
      `http://127.0.0.1:${port}/`,
      '-c',
      '2',
      '-n',
      '200',
      '--set',
      `load.pipeline=${pipeline}`,
    )
    expect(report.totals).toMatchObject({ sent: 200, completed: 200, failed: 0, failures: {} })
    expect(report.totals.connects).toBeGreaterThanOrEqual(10)
    expect((await requestsOf(port)) - before - 1).toBe(200)
  }
})
