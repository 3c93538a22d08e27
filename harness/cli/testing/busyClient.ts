/**
 * A scenario whose client is busy on any machine: checking the expectation costs it a hundred times what the reply costs the
 * server, and enough requests are in flight to keep it busy while the server is held up.
 */
export const busyClient = `
name: busy-client
target: { serve: echo }
protocol: line
connections: 10
load: { pipeline: 64 }
duration: 3s
warmup: 0s
timeout: 20s
loop: [{ send: xxxxxxxxxxxxxx, expect: { matches: "^(?:(x+x+)+y|x+)$" } }]
`
