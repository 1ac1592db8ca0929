/* The agent's loop: one poll over the port, the signals and the programs; nothing in it waits for long. */
#include "agent.h"
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

/* The header of a HELLO frame and its magic: by these the agent finds its place again. */
static const uint8_t MARK[HEADER + 16] = "\0\0\0\x24\1\0\0\0\0vtorque.agent/1\n";
static const uint8_t *const MAGIC = MARK + HEADER, NOBODY[16];
enum { HELLO_SIZE = 36, PART_MAX = 4 << 20, AHEAD = -20 };
static uint8_t in[2 * (HEADER + MAX_PAYLOAD)];
static size_t in_used;
static bool lost;
static uint8_t part[PART_MAX + MAX_PAYLOAD + 1]; /* a long payload, with a byte to spare for get_list */
static size_t part_used;
static uint32_t part_id;
static uint64_t instance, boot_time;
bool is_init, no_children, power_off;

int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void send_hello(const uint8_t *nonce) {
  struct utsname u;
  uname(&u);
  struct item words[5] = {{AGENT_VERSION, strlen(AGENT_VERSION)}, {u.release, strlen(u.release)}, {u.machine, strlen(u.machine)}};
  size_t n = 3;
  if (is_init) words[n++] = (struct item){"init", 4};
  if (geteuid() == 0) words[n++] = (struct item){"privileged", 10};
  send_frame(HELLO, 0, "b2b88l", MAGIC, (size_t)16, 1, nonce, (size_t)16, instance, boot_time, words, n);
}

/* A PART, or the end of a long payload. Beyond the limit it only counts. */
static void add_part(uint32_t id, const uint8_t *p, size_t n) {
  if (part_id != id) part_used = 0;
  part_id = id;
  if (part_used <= PART_MAX) memcpy(part + part_used, p, n), part_used += n;
}

static void complete(uint8_t type, uint32_t id, const uint8_t *p, size_t n) {
  add_part(id, p, n);
  int error = part_used > PART_MAX ? E2BIG : 0;
  (type == IN_CALL ? call_add : exec_start)(id, part, error ? 0 : part_used, error);
  part_used = 0;
}

static void hello(uint8_t *p, size_t n) {
  if (n != HELLO_SIZE || memcmp(p, MAGIC, 16) != 0) {
    lost = true;
    send_frame(ERROR, 0, "4s", EPROTO, "not a HELLO of this protocol");
    return;
  }
  if (p[19] & 1) {
    streams_kill();
    servers_stop();
    calls_drop();
    part_used = 0;
  }
  send_hello(p + 20);
}

static void frame(uint8_t type, uint32_t id, uint8_t *p, size_t n) {
  switch (type) {
    case IN_HELLO: hello(p, n); break;
    case IN_CALL: case IN_EXEC: complete(type, id, p, n); break;
    case IN_STDIN: stream_stdin(id, p, n); break;
    case IN_CREDIT: case IN_SIGNAL: case IN_RESIZE: stream_control(type, id, p, n); break;
    case IN_ACCEPT: stream_accept(id, p, n); break;
    case IN_PART: add_part(id, p, n); break;
    default: send_frame(ERROR, id, "4s", EOPNOTSUPP, "unknown frame type");
  }
}

static void parse(void) {
  size_t at = 0;
  while (out_room() && !calls_full()) {
    size_t left = in_used - at;
    if (lost) {
      uint8_t *found = memmem(in + at, left, MARK, sizeof MARK);
      at = found ? (size_t)(found - in) : in_used - (left < sizeof MARK ? left : sizeof MARK - 1);
      if (!found) break;
      lost = false;
      continue;
    }
    if (left < HEADER) break;
    struct reader r = {in + at, in + at + HEADER, false};
    size_t n = get(&r, 4);
    uint8_t type = (uint8_t)get(&r, 1);
    uint32_t id = (uint32_t)get(&r, 4);
    if (n > MAX_PAYLOAD) {
      lost = true;
      send_frame(ERROR, 0, "4s", EPROTO, "payload longer than 65536 bytes");
      continue;
    }
    if (left < HEADER + n) break;
    frame(type, id, in + at + HEADER, n);
    at += HEADER + n;
    calls_run();
  }
  memmove(in, in + at, in_used - at);
  in_used -= at;
}

static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) streams_reaped(pid, status), servers_reaped(pid);
  no_children = pid < 0 && errno == ECHILD;
}

/* Serve until the stream ends; on a device that outlives its host: for ever. */
static int serve(int from, int to, bool device) {
  static struct polls polls;
  sigset_t child;
  bool host = true;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  signal(SIGPIPE, SIG_IGN);
  int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  send_hello(NOBODY);
  for (;;) {
    struct signalfd_siginfo info;
    polls.n = 0;
    polls.fd[polls.n++] = (struct pollfd){.fd = signals, .events = POLLIN};
    bool accept = host && in_used < sizeof in && out_room() && !calls_full();
    polls.fd[polls.n++] = (struct pollfd){.fd = accept ? from : -1, .events = POLLIN};
    polls.fd[polls.n++] = (struct pollfd){.fd = host && out_used() ? to : -1, .events = POLLOUT};
    servers_poll(&polls);
    if (host) streams_poll(&polls);
    int timeout = calls_timeout();
    if (!host && (timeout < 0 || timeout > 20)) timeout = 20; /* a virtio port cannot be waited for while it has no host */
    poll(polls.fd, (nfds_t)polls.n, timeout);
    while (read(signals, &info, sizeof info) > 0) {}
    reap();
    if (!host) {
      struct pollfd p = {.fd = from, .events = POLLIN};
      if (poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP)) host = true, send_hello(NOBODY);
    }
    servers_io();
    bool gone = false;
    if (polls.fd[1].revents) {
      ssize_t got = read(from, in + in_used, sizeof in - in_used);
      if (got > 0) in_used += (size_t)got;
      gone = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
    }
    if (host && !gone && out_flush(to) != 0) gone = true;
    calls_run();
    if (host && !gone) parse(), streams_io(); /* without a host what programs print stays in their pipes */
    /* Not if the ring got full: then somebody was refused, and the next round must come, which it does while there is something to send. */
    if (host && !gone && out_room() && out_flush(to) != 0) gone = true;
    if (power_off && (!host || gone || out_used() == 0)) reboot(RB_POWER_OFF);
    if (gone && !device) break;
    if (gone || !host) {
      host = lost = false;
      in_used = 0;
      out_reset();
    }
  }
  streams_kill();
  servers_stop();
  calls_drop();
  return 0;
}

int main(int argc, char **argv) {
  int from = -1, to = -1;
  struct timespec t;
  struct stat s;
  struct termios raw;
  is_init = getpid() == 1;
  setpriority(PRIO_PROCESS, 0, AHEAD); /* an unprivileged one is served as all others are */
  while ((from = open("/dev/null", O_RDWR)) >= 0 && from < 3) {} /* 0, 1 and 2 must be taken, or programs would get pipes there */
  if (from >= 0) close(from), from = -1;
  for (int i = 1; i + 1 < argc; i++) {
    if (strcmp(argv[i], "--port") == 0) from = to = open(argv[++i], O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    else if (strcmp(argv[i], "--fd") == 0 && sscanf(argv[++i], "%d,%d", &from, &to) == 1) to = from;
  }
  if (from < 0 && is_init) from = to = boot();
  if (fcntl(from, F_GETFL) < 0 || fcntl(to, F_GETFL) < 0) {
    fprintf(stderr, argc == 3 ? "agent: Cannot open the port: %m\n" : "Usage: agent --port PATH | --fd IN[,OUT]\n");
    return argc == 3 ? 1 : 2;
  }
  if (tcgetattr(from, &raw) == 0) {
    cfmakeraw(&raw);
    tcsetattr(from, TCSANOW, &raw);
  }
  fcntl(from, F_SETFL, fcntl(from, F_GETFL) | O_NONBLOCK);
  fcntl(to, F_SETFL, fcntl(to, F_GETFL) | O_NONBLOCK);
  if (getrandom(&instance, sizeof instance, GRND_NONBLOCK) < 0) instance = (uint64_t)now_ms() << 20 | (uint64_t)getpid();
  clock_gettime(CLOCK_BOOTTIME, &t);
  boot_time = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
  return serve(from, to, fstat(from, &s) == 0 && S_ISCHR(s.st_mode) && !isatty(from));
}
