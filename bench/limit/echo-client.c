/*
 * The limit: the cost of a client that does nothing but system calls. One thread, epoll, a fixed number of messages in
 * flight on each connection; replies are counted by their bytes, but not inspected or timed.
 *
 *   echo-client <port> <connections> <pipeline> <message bytes> <seconds> <warm-up seconds>
 *
 * Prints one line of JSON: requests answered in the measured part, its seconds, and the user and system CPU seconds of
 * the process in it (getrusage). The message is a frame: a big-endian length of 4 bytes, then a body.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { buffer_bytes = 64 * 1024, events_max = 256, connections_max = 100000, wait_ms = 100 };

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time) {
  return time.tv_sec + time.tv_usec / 1e6;
}

static int connect_to(int port) {
  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) die("fcntl");
  return fd;
}

/* At most one pipeline is in flight per connection, which a socket buffer holds: a short write is an error. */
static void send_all(int fd, const char *bytes, int length) {
  if (send(fd, bytes, length, MSG_NOSIGNAL) != length) die("send");
}

int main(int argc, char **argv) {
  if (argc != 7) return fprintf(stderr, "usage: echo-client port connections pipeline bytes seconds warm-up\n"), 2;
  int port = atoi(argv[1]), connections = atoi(argv[2]), pipeline = atoi(argv[3]), size = atoi(argv[4]);
  double seconds = atof(argv[5]), warmup = atof(argv[6]);
  if (connections < 1 || connections > connections_max || pipeline < 1 || size < 4 || seconds <= 0 || warmup < 0 ||
      (long)pipeline * size > buffer_bytes) {
    return fprintf(stderr, "expected 1 to %d connections, at least 4 bytes, at most %d bytes in flight on each\n",
                   connections_max, buffer_bytes), 2;
  }

  char *messages = calloc(pipeline, size), *buffer = malloc(buffer_bytes);
  struct epoll_event events[events_max];
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (messages == NULL || buffer == NULL || epoll < 0) die("setting up");
  for (int at = 0; at < pipeline; at++) {
    unsigned length = htonl(size - 4);
    memcpy(messages + at * size, &length, 4);
    memset(messages + at * size + 4, 'x', size - 4);
  }
  /* Bytes of an incomplete reply, by descriptor. */
  int *part = calloc(connections + 64, sizeof *part);
  if (part == NULL) die("calloc");
  for (int at = 0; at < connections; at++) {
    int fd = connect_to(port);
    if (fd >= connections + 64) return fprintf(stderr, "more descriptors are open than expected\n"), 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    send_all(fd, messages, pipeline * size);
  }

  struct rusage before, after;
  double begin = now() + warmup, end = begin + seconds, began = 0, time;
  unsigned long requests = 0;
  getrusage(RUSAGE_SELF, &before);
  for (;;) {
    int count = epoll_wait(epoll, events, events_max, wait_ms);
    time = now();
    if (began == 0 && time >= begin) {
      began = time;
      requests = 0;
      getrusage(RUSAGE_SELF, &before);
    }
    if (time >= end) break;
    for (int at = 0; at < count; at++) {
      int fd = events[at].data.fd;
      int got = recv(fd, buffer, buffer_bytes, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (got <= 0) die("recv");
      int whole = (part[fd] + got) / size;
      part[fd] = (part[fd] + got) % size;
      requests += whole;
      if (whole > 0) send_all(fd, messages, whole * size);
    }
  }
  getrusage(RUSAGE_SELF, &after);
  printf("{\"requests\":%lu,\"seconds\":%.6f,\"userSeconds\":%.6f,\"systemSeconds\":%.6f}\n", requests, time - began,
         seconds_of(after.ru_utime) - seconds_of(before.ru_utime),
         seconds_of(after.ru_stime) - seconds_of(before.ru_stime));
  return 0;
}
