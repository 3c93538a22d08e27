/*
 * The server of the benchmarks. It sends back every byte it receives, which makes it an echo server for messages and for
 * frames; or it answers each HTTP request without a body with the same few bytes, looking only for the ends of heads.
 *
 *   echo-server [threads [http]]     default: 1 thread
 *
 * Listens on 127.0.0.1 on a free port, prints the port, and exits when its standard input closes, so that it never
 * outlives the benchmark. A reply that the kernel does not accept at once is kept, and nothing more is read from that
 * connection until it is sent: at most one buffer per connection waits.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { buffer_bytes = 64 * 1024, events_max = 256, threads_max = 64, backlog = 4096 };

static const char http_reply[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
static const char head_end[] = "\r\n\r\n";
/* The shortest HTTP request is longer than a quarter of its reply, so the replies to one read fit into this. */
enum { replies_bytes = 4 * buffer_bytes };

/* Bytes that could not be sent yet, NULL if there are none, and how much of head_end was received; by descriptor. */
struct pending {
  char *bytes;
  int from, end;
  int matched;
};

static struct pending *pending;
static int descriptors_max;
static int listener;
static int epolls[threads_max];
static int threads = 1;
static int is_http;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int epoll, int operation, int fd, unsigned events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  if (epoll_ctl(epoll, operation, fd, &event) != 0) die("epoll_ctl");
}

static void drop(int fd) {
  free(pending[fd].bytes);
  pending[fd] = (struct pending){.bytes = NULL};
  close(fd);
}

/* One reply for each head that ends in the received bytes. */
static int answer(int fd, const char *bytes, int length, char *replies) {
  int matched = pending[fd].matched, end = 0;
  for (int at = 0; at < length; at++) {
    matched = bytes[at] == head_end[matched] ? matched + 1 : bytes[at] == head_end[0];
    if (matched < (int)sizeof head_end - 1) continue;
    matched = 0;
    if (end + sizeof http_reply - 1 > replies_bytes) continue;
    memcpy(replies + end, http_reply, sizeof http_reply - 1);
    end += sizeof http_reply - 1;
  }
  pending[fd].matched = matched;
  return end;
}

static void readable(int epoll, int fd, char *buffer, char *replies) {
  int got = recv(fd, buffer, buffer_bytes, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) return drop(fd);
  if (is_http) {
    got = answer(fd, buffer, got, replies);
    if (got == 0) return;
    buffer = replies;
  }
  int sent = send(fd, buffer, got, MSG_NOSIGNAL);
  if (sent == got) return;
  if (sent < 0 && errno != EAGAIN) return drop(fd);
  if (sent < 0) sent = 0;
  char *bytes = malloc(got - sent);
  if (bytes == NULL) return drop(fd);
  memcpy(bytes, buffer + sent, got - sent);
  pending[fd].bytes = bytes;
  pending[fd].from = 0;
  pending[fd].end = got - sent;
  watch(epoll, EPOLL_CTL_MOD, fd, EPOLLOUT);
}

static void writable(int epoll, int fd) {
  struct pending *rest = &pending[fd];
  int sent = send(fd, rest->bytes + rest->from, rest->end - rest->from, MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (sent < 0) return drop(fd);
  rest->from += sent;
  if (rest->from < rest->end) return;
  free(rest->bytes);
  rest->bytes = NULL;
  watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN);
}

/* Gives each new connection to the next thread in turn. */
static void accept_all(void) {
  static int next = 0;
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (fd >= descriptors_max) {
      close(fd);
      continue;
    }
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epolls[next++ % threads], EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

static void end_with_input(char *buffer) {
  if (read(STDIN_FILENO, buffer, buffer_bytes) <= 0) exit(0);
}

/* The loop of a thread. Only the epoll of the first one has the listener and standard input. */
static void *serve(void *argument) {
  int epoll = *(int *)argument;
  char *buffer = malloc(buffer_bytes);
  char *replies = malloc(replies_bytes);
  struct epoll_event events[events_max];
  if (buffer == NULL || replies == NULL) die("malloc");
  for (;;) {
    int count = epoll_wait(epoll, events, events_max, -1);
    for (int at = 0; at < count; at++) {
      int fd = events[at].data.fd;
      if (fd == listener) accept_all();
      else if (fd == STDIN_FILENO) end_with_input(buffer);
      else if (pending[fd].bytes != NULL) writable(epoll, fd);
      else readable(epoll, fd, buffer, replies);
    }
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 1) threads = atoi(argv[1]);
  is_http = argc > 2 && strcmp(argv[2], "http") == 0;
  if (threads < 1 || threads > threads_max) return fprintf(stderr, "threads: 1 to %d\n", threads_max), 2;

  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) die("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  descriptors_max = limit.rlim_cur > 1 << 20 ? 1 << 20 : (int)limit.rlim_cur;
  pending = calloc(descriptors_max, sizeof *pending);
  if (pending == NULL) die("calloc");

  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  if (listen(listener, backlog) != 0) die("listen");
  if (getsockname(listener, (struct sockaddr *)&address, &length) != 0) die("getsockname");

  for (int at = 0; at < threads; at++) {
    epolls[at] = epoll_create1(EPOLL_CLOEXEC);
    if (epolls[at] < 0) die("epoll_create1");
  }
  for (int at = 1; at < threads; at++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, &epolls[at]) != 0) die("pthread_create");
  }
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);

  watch(epolls[0], EPOLL_CTL_ADD, listener, EPOLLIN);
  struct epoll_event input = {.events = EPOLLIN, .data.fd = STDIN_FILENO};
  /* A file or /dev/null cannot be watched: it is never closed. */
  if (epoll_ctl(epolls[0], EPOLL_CTL_ADD, STDIN_FILENO, &input) != 0) {
    return fprintf(stderr, "standard input must be a pipe\n"), 2;
  }
  serve(&epolls[0]);
}
