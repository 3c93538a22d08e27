/** Recorded output of the peers, run against nginx, Redis and sockperf's own server. */

export const wrkText = `Running 1s test @ http://127.0.0.1:18081/
  1 threads and 50 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.39ms    3.79ms  31.25ms   87.74%
    Req/Sec    38.25k     5.85k   46.75k    80.00%
  38456 requests in 1.01s, 5.87MB read
Requests/sec:  38027.28
Transfer/sec:      5.80MB
`

export const wrkErrorText = `Running 1s test @ http://127.0.0.1:18081/
  1 threads and 50 connections
  38456 requests in 1.01s, 5.87MB read
  Socket errors: connect 0, read 12, write 0, timeout 0
Requests/sec:  38027.28
Transfer/sec:      5.80MB
`

export const heyText = `
Summary:
  Total:	1.0007 secs
  Slowest:	0.0213 secs
  Fastest:	0.0000 secs
  Average:	0.0021 secs
  Requests/sec:	23658.6680
  
  Total data:	284100 bytes
  Size/request:	12 bytes

Latency distribution:
  50% in 0.0018 secs
  99% in 0.0088 secs

Status code distribution:
  [200]	23675 responses

`

export const autocannonText =
  '{"url":"http://127.0.0.1:18081/","connections":50,"sampleInt":1000,"pipelining":1,"workers":0,"duration":1.03,' +
  '"samples":1,"errors":0,"timeouts":0,"mismatches":0,"non2xx":0,"resets":0,"2xx":25167,' +
  '"requests":{"average":25160,"mean":25160,"stddev":0,"min":25167,"max":25167,"total":25167,"sent":25217}}\n'

export const redisBenchmarkText = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"PING_INLINE","566893.38","1.000","0.192","0.727","3.447","8.319","13.967"
"PING_MBULK","410509.00","1.309","0.168","0.751","4.503","5.751","9.167"
`

export const sockperfText = `sockperf: \u001b[2;35m== version #3.7-no.git == \u001b[0m
sockperf[CLIENT] send on:sockperf: using recvfrom() to block on socket(s)

[ 0] IP = 127.0.0.1       PORT = 19123 # TCP
sockperf: Warmup stage (sending a few dummy messages)...
sockperf: Starting test...
sockperf: Test end (interrupted by timer)
sockperf: Test ended
sockperf: [Total Run] RunTime=1.000 sec; Warm up time=400 msec; SentMessages=12381; ReceivedMessages=12380
sockperf: ========= Printing statistics for Server No: 0
sockperf: [Valid Duration] RunTime=0.549 sec; SentMessages=6841; ReceivedMessages=6841
sockperf: \u001b[2;35m====> avg-rtt=80.277 (std-dev=291.244)\u001b[0m
sockperf: # dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0
sockperf: Summary: Round trip is 80.277 usec
sockperf: \u001b[2;35mTotal 6841 observations\u001b[0m; each percentile contains 68.41 observations
sockperf: ---> <MAX> observation = 4916.632
sockperf: ---> percentile 99.999 = 4916.632
sockperf: ---> percentile 99.990 = 4848.832
sockperf: ---> percentile 99.900 = 4149.941
sockperf: ---> percentile 99.000 = 1445.582
sockperf: ---> percentile 90.000 =   54.400
sockperf: ---> percentile 75.000 =   47.179
sockperf: ---> percentile 50.000 =   43.874
sockperf: ---> percentile 25.000 =   39.788
sockperf: ---> <MIN> observation =   25.727
`

export const pgbenchText = `pgbench (15.14 (Debian 15.14-0+deb12u1))
transaction type: select1.sql
scaling factor: 1
query mode: simple
number of clients: 10
number of threads: 1
maximum number of tries: 1
duration: 3 s
number of transactions actually processed: 91402
number of failed transactions: 0 (0.000%)
latency average = 0.328 ms
initial connection time = 14.215 ms
tps = 30512.338214 (without initial connection time)
`
