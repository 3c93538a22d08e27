/*
 * One connection, one message in flight: measures the round trip as sockperf ping-pong --full-rtt does, for machines
 * without sockperf. Blocks in recv, or spins on it as `sockperf --nonblocked` does.
 *
 *   ping-pong <port> <message bytes> <seconds> <warm-up seconds> [spin]
 *
 * Prints one line of JSON: round trips, seconds, and p50 and p99 in microseconds (to 0.1 us, below 100 ms).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { message_max = 64 * 1024, bucket_nanos = 100, buckets = 1000 * 1000, reply_seconds_max = 5 };

static unsigned counts[buckets];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static long nanos(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static double quantile_micros(double quantile, unsigned long total) {
  unsigned long wanted = quantile * total, seen = 0;
  for (int at = 0; at < buckets; at++) {
    seen += counts[at];
    if (seen > wanted) return at * bucket_nanos / 1000.0;
  }
  return buckets * bucket_nanos / 1000.0;
}

int main(int argc, char **argv) {
  if (argc < 5) return fprintf(stderr, "usage: ping-pong port bytes seconds warm-up [spin]\n"), 2;
  int port = atoi(argv[1]), size = atoi(argv[2]);
  double seconds = atof(argv[3]), warmup = atof(argv[4]);
  int flags = argc > 5 && strcmp(argv[5], "spin") == 0 ? MSG_DONTWAIT : 0;
  if (size < 1 || size > message_max || seconds <= 0 || warmup < 0) return fprintf(stderr, "out of range\n"), 2;

  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval timeout = {.tv_sec = reply_seconds_max};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);

  static char message[message_max], reply[message_max];
  memset(message, 'x', size);
  unsigned long total = 0;
  long begin = nanos() + (long)(warmup * 1e9), end = begin + (long)(seconds * 1e9), sent, received;
  do {
    sent = nanos();
    if (send(fd, message, size, MSG_NOSIGNAL) != size) die("send");
    for (int at = 0; at < size;) {
      int got = recv(fd, reply + at, size - at, flags);
      if (got > 0) at += got;
      else if (got == 0 || flags == 0 || (errno != EAGAIN && errno != EINTR)) die("recv");
      else if (nanos() - sent > reply_seconds_max * 1000000000L) return fprintf(stderr, "no reply\n"), 1;
    }
    received = nanos();
    if (sent < begin) continue;
    long bucket = (received - sent) / bucket_nanos;
    counts[bucket < buckets ? bucket : buckets - 1]++;
    total++;
  } while (received < end);
  printf("{\"requests\":%lu,\"seconds\":%.6f,\"p50Micros\":%.1f,\"p99Micros\":%.1f}\n", total, (received - begin) / 1e9,
         quantile_micros(0.5, total), quantile_micros(0.99, total));
  return 0;
}
