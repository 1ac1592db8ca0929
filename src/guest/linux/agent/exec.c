/* Programs: fed, read under credit, signalled, reported. A connection is a stream without a program. */
#include "agent.h"
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

enum { STDIN_WINDOW = 1 << 18, TTY_REST = 1 << 17 };

struct channel { int fd; uint64_t credit; size_t rest; bool ended; };
struct stream {
  bool used, tty, socket, started, exited, in_ended, left; /* left: EXIT is sent, but what the program left behind holds its pipes */
  uint32_t id, owed;
  pid_t pid;
  int status, report, in;
  struct channel out[2];
  uint8_t *buffer;
  size_t waiting; /* bytes in it that the program has not taken yet */
};
static struct stream streams[MAX_STREAMS];
static int listener = -1;
#define EACH(s) for (struct stream *s = streams; s < streams + MAX_STREAMS; s++)

static struct stream *find(uint32_t id) {
  EACH(s) if (s->used && !s->left && s->id == id) return s;
  return NULL;
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void shut_in(struct stream *s) {
  if (s->socket && s->in >= 0) shutdown(s->in, SHUT_WR); /* the other descriptor of it stays open */
  shut(&s->in);
}

static void release(struct stream *s) {
  shut(&s->report);
  shut_in(s);
  shut(&s->out[0].fd);
  shut(&s->out[1].fd);
  free(s->buffer);
  s->buffer = NULL;
  s->used = false;
}

/* The stream that gets the next connection. */
static struct stream *awaited(void) {
  EACH(s) if (s->used && s->socket && !s->started) return s;
  return NULL;
}

/* A free place, made if need be by cutting off what a program left behind. */
static struct stream *place(void) {
  struct stream *left = NULL;
  EACH(s) {
    if (!s->used) return s;
    if (s->left) left = s;
  }
  if (left) release(left);
  return left;
}

void exec_start(uint32_t id, uint8_t *p, size_t n, int error) {
  struct program new = {0};
  struct stream *s = NULL;
  const char *step = "decode";
  if (find(id)) {
    send_frame(ERROR, id, "4s", EEXIST, "stream is in use");
    return;
  }
  if (!error && (s = place()) == NULL) step = "limits", error = EAGAIN;
  if (!error && (step = program_start(&new, p, n, -1)) != NULL) error = errno;
  if (error) {
    send_frame(FAILED, id, "4s", error, step);
    return;
  }
  *s = (struct stream){.used = true, .id = id, .pid = new.pid, .tty = new.tty, .report = new.report, .in = new.in};
  for (int i = 0; i < 2; i++) s->out[i] = (struct channel){.fd = new.out[i], .credit = new.credit};
  s->in_ended = new.in < 0;
}

/* Listen at a port of 127.0.0.1 instead of where it did before; 0: nowhere. */
int call_listen(struct call *c) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->n[1]), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (c->n[1] > UINT16_MAX) return fail_with(c, EINVAL, "a port");
  shut(&listener);
  for (struct stream *s; (s = awaited()) != NULL; release(s)) send_frame(FAILED, s->id, "4s", ECANCELED, "accept");
  if (c->n[1] == 0) return 0;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener >= 0 && bind(listener, (void *)&at, sizeof at) == 0 && listen(listener, SOMAXCONN) == 0) return 0;
  int error = fail(c, "listen at port %u", (unsigned)c->n[1]);
  shut(&listener);
  return error;
}

/* The stream is the next connection. */
void stream_accept(uint32_t id, uint8_t *p, size_t n) {
  struct reader r = {p, p + n, false};
  uint64_t credit = get(&r, 4);
  struct stream *s = NULL;
  int error = r.bad || r.p != r.end ? EBADMSG : listener < 0 ? ENOTCONN : 0;
  if (find(id)) send_frame(ERROR, id, "4s", EEXIST, "stream is in use");
  else if (error || (s = place()) == NULL) send_frame(FAILED, id, "4s", error ? error : EAGAIN, "accept");
  else *s = (struct stream){.used = true, .socket = true, .id = id, .report = -1, .in = -1, .out = {{-1, credit, 0, false}, {-1, 0, 0, true}}};
}

static void take_connections(void) {
  struct stream *s;
  for (int fd, on = 1; out_room() && (s = awaited()) && (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->in = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    s->out[0].fd = fd;
    s->started = true;
    send_frame(STARTED, s->id, "44", 0, STDIN_WINDOW);
  }
}

/* Give the program of its input what it takes now; grant again what is dealt with, a quarter of the window at a time. */
static void feed(struct stream *s) {
  while (s->started && s->waiting > 0) {
    ssize_t n = s->in < 0 ? (ssize_t)s->waiting : write(s->in, s->buffer, s->waiting);
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0 && errno != EINTR) shut_in(s), s->in_ended = true;
    if (n <= 0) continue;
    s->owed += (uint32_t)n;
    s->waiting -= (size_t)n;
    memmove(s->buffer, s->buffer + n, s->waiting);
  }
  if (s->waiting == 0 && s->in_ended) shut_in(s);
  if (s->owed < STDIN_WINDOW / 4) return;
  send_frame(CREDIT, s->id, "4", s->owed);
  s->owed = 0;
}

void stream_stdin(uint32_t id, const uint8_t *p, size_t n) {
  struct stream *s = find(id);
  if (s == NULL || (s->in_ended && s->in >= 0)) return;
  if (s->buffer == NULL && n > 0) s->buffer = malloc(STDIN_WINDOW);
  if (n == 0) {
    s->in_ended = !s->tty;
  } else if (s->buffer == NULL || s->waiting + n > STDIN_WINDOW) {
    send_frame(ERROR, id, "4s", s->buffer ? ENOBUFS : ENOMEM, "input beyond the credit");
    s->in_ended = true;
  } else {
    memcpy(s->buffer + s->waiting, p, n);
    s->waiting += n;
  }
  feed(s);
}

static void send_signal(struct stream *s, int signal) {
  if (s->socket) {
    if (s->out[0].fd >= 0) shutdown(s->out[0].fd, SHUT_RDWR);
  } else if (!s->exited && kill(-s->pid, signal) < 0) kill(s->pid, signal); /* no group yet: it has not come to setsid */
}

void stream_control(uint8_t type, uint32_t id, uint8_t *p, size_t n) {
  struct reader r = {p, p + n, false};
  struct stream *s = find(id);
  uint64_t a = get(&r, type == IN_CREDIT ? 1 : type == IN_SIGNAL ? 4 : 2);
  uint64_t b = type == IN_SIGNAL ? 0 : get(&r, type == IN_CREDIT ? 4 : 2);
  if (r.bad || r.p != r.end || (type == IN_CREDIT && a != 1 && a != 2) || (type == IN_SIGNAL && (a < 1 || a >= NSIG))) {
    send_frame(ERROR, id, "4s", EBADMSG, "payload cannot be read");
  } else if (s && type == IN_CREDIT) {
    s->out[a - 1].credit += b;
  } else if (s && type == IN_RESIZE) {
    struct winsize size = {.ws_col = (unsigned short)a, .ws_row = (unsigned short)b};
    if (s->tty && s->in >= 0) ioctl(s->in, TIOCSWINSZ, &size);
  } else if (s) {
    send_signal(s, (int)a);
  }
}

static void want(struct polls *polls, int fd, short events) {
  if (fd >= 0) polls->fd[polls->n++] = (struct pollfd){.fd = fd, .events = events};
}

/* Only what can be used now is waited for, since poll(2) reports hang-ups in any case. */
void streams_poll(struct polls *polls) {
  if (awaited()) want(polls, listener, POLLIN);
  EACH(s) {
    if (!s->used) continue;
    want(polls, s->report, POLLIN);
    if (s->started && s->waiting > 0) want(polls, s->in, POLLOUT);
    for (int i = 0; i < 2; i++)
      if (s->left || (s->started && !s->out[i].ended && s->out[i].credit && out_room_data())) want(polls, s->out[i].fd, POLLIN);
  }
}

static void see_report(struct stream *s) {
  struct failure why;
  ssize_t n = read(s->report, &why, sizeof why);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  shut(&s->report);
  if (n == (ssize_t)sizeof why) {
    send_frame(FAILED, s->id, "4s", why.error, why.step);
    release(s);
    return;
  }
  s->started = true;
  send_frame(STARTED, s->id, "44", s->pid, STDIN_WINDOW);
}

/* Send a frame of this output. It ends at end of file, or when the program has ended and what was there then is sent. */
static void forward(struct stream *s, int i) {
  struct channel *c = &s->out[i];
  if (c->fd >= 0 && !(s->exited && c->rest == 0)) {
    size_t max = s->exited && c->rest < c->credit ? c->rest : c->credit;
    if (max == 0 || !out_room_data()) return;
    ssize_t n = send_from(c->fd, (uint8_t)(STDOUT + i), s->id, max);
    if (n > 0) {
      c->credit -= (size_t)n;
      if (s->exited) c->rest -= (size_t)n;
      /* The end follows its last bytes at once: what was left behind may hold the pipe, and then nothing wakes the loop again. */
      if (!s->exited || c->rest > 0) return;
    } else if (n < 0 && (errno == EINTR || (errno == EAGAIN && !s->exited))) {
      return;
    } else {
      shut(&c->fd);
    }
  }
  if (!out_room()) return;
  c->ended = true;
  if (i == 0 || !s->tty) send_frame((uint8_t)(STDOUT + i), s->id, "");
}

/* Keep the pipes of what was left behind empty: closing them would end it by SIGPIPE. */
static void discard(struct stream *s) {
  static uint8_t nowhere[MAX_PAYLOAD];
  for (int i = 0; i < 2; i++) {
    ssize_t n = s->out[i].fd < 0 ? 0 : read(s->out[i].fd, nowhere, sizeof nowhere);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) shut(&s->out[i].fd);
  }
  if (s->out[0].fd < 0 && s->out[1].fd < 0) release(s);
}

static void send_exit(struct stream *s) {
  bool killed = WIFSIGNALED(s->status);
  send_frame(EXIT, s->id, "14", killed, killed ? WTERMSIG(s->status) : WEXITSTATUS(s->status));
  s->left = true;
  shut(&s->in);
  if (s->tty) shut(&s->out[0].fd);
  discard(s);
}

void streams_io(void) {
  static size_t turn; /* who is first changes, so that one busy program does not take all room */
  turn++;
  take_connections();
  for (size_t k = 0; k < MAX_STREAMS; k++) {
    struct stream *s = &streams[(k + turn) % MAX_STREAMS];
    if (s->used && s->left) discard(s);
    if (!s->used || s->left || !out_room()) continue;
    if (s->report >= 0) see_report(s);
    if (!s->used || !s->started) continue;
    feed(s);
    for (int i = 0; i < 2; i++)
      if (!s->out[i].ended) forward(s, i);
    if (s->socket && s->in < 0) s->exited = s->out[0].ended;
    if (s->exited && s->out[0].ended && s->out[1].ended) send_exit(s);
  }
}

void streams_reaped(pid_t pid, int status) {
  EACH(s) {
    if (!s->used || s->exited || s->pid != pid) continue;
    s->exited = true;
    s->status = status;
    for (int i = 0; i < 2; i++) {
      int there = 0;
      if (s->out[i].fd >= 0) ioctl(s->out[i].fd, FIONREAD, &there);
      s->out[i].rest = s->tty ? TTY_REST : (size_t)there; /* a terminal's rest may still be on its way inside the kernel */
    }
  }
}

void streams_signal(int signal) {
  EACH(s) if (s->used) send_signal(s, signal);
}

bool streams_running(void) {
  EACH(s) if (s->used && !s->socket && !s->exited) return true;
  return false;
}

void streams_kill(void) {
  streams_signal(SIGKILL);
  shut(&listener);
  EACH(s) if (s->used) release(s);
}
