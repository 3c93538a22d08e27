import { expect, test } from 'vitest'
import { renderResults } from './screen.ts'
import { sampleResults } from './testing/samples.ts'

test('renderResults() shows every side, and every row with its verdict', () => {
  expect(renderResults(sampleResults)).toMatchInlineSnapshot(`
    "volley 0.1.0 compared with other programs, 2026-11-21T09:30:12.000Z
    Imaginary 3000, 2 cores, 8.6 GB
    linux-x64 6.1.0, node v20.20.2, load average 0.4 0.3 0.2
    5 rounds of 2 s in turn, clients on core 0, servers on core 1
    found: cc 12.2.0, wrk 4.1.0
    not installed: sockperf
    figures are medians over the rounds; a ratio (x) is the median of the ratios
    round by round (with its range)

    P1  echo: CPU per request against a C epoll client
        50 connections, 12 bytes    requests/s  us/request
          C epoll client               221,000     4.40 us
          volley node                  148,214     6.71 us
            failed in 1 of 2 rounds: 12 requests failed
      ! node, us/request        x 1.52 (1.48 to 1.61)      <= 1.5      missed
        node, requests/s        x 0.670

    P3  pipeline 16: requests/s per client core
        a group whose name is longer than the column of its sides
                                      per core
          volley epoll               2,813,400
      + frames, epoll, per core 2.81M (2.7M to 2.9M)       >= 2.5M     met
      ? PING, node, per core                               >= 1        not measured
      ? PING, epoll, per core                              >= 1        not measured
          redis-server not installed
        a note that is long enough for it to be wrapped, for it has more than eighty
        characters in it
    "
  `)
})

test('renderResults() fits into 80 columns', () => {
  const lines = renderResults(sampleResults).split('\n')
  expect(lines.filter(line => line.length > 80)).toEqual([])
})
