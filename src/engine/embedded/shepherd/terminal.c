/*
 * The terminal of an interactive job. Its master stays with the shepherd, which carries bytes between it and the client
 * (qsub -I) at the other end of descriptor 5. From the client come frames: a type, a length (u16, big-endian), so many
 * bytes. 'D': typed; 'W': u16 columns, u16 rows. To the client go one line of JSON when the job runs, then bare bytes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "shepherd.h"

enum { HEADER = 3, DRAIN_MS = 3000 };

static int master = -1, client = -1;
static struct buffer {
  unsigned char bytes[1 << 16];
  size_t length;
} up, down;
static size_t typed; /* bytes at the start of `up` that are for the master */

static void take(struct buffer *buffer, size_t n) {
  buffer->length -= n;
  memmove(buffer->bytes, buffer->bytes + n, buffer->length);
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static void resize(unsigned columns, unsigned rows) {
  ioctl(master, TIOCSWINSZ, &(struct winsize){.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows});
}

int open_terminal(const struct job *job) {
  char name[64];
  client = TERMINAL_FD;
  master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || ptsname_r(master, name, sizeof name) != 0) die("make", "a terminal");
  int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  /* Nobody else may write to it, nor read what is typed. */
  if (slave < 0 || fchown(slave, job->uid, (gid_t)-1) < 0 || fchmod(slave, 0600) < 0) die("give away", name);
  unsigned columns, rows;
  if (sscanf(job->terminal, "%u %u", &columns, &rows) == 2) resize(columns, rows);
  fcntl(client, F_SETFL, O_NONBLOCK);
  return slave;
}

void tell_client(const char *text) {
  if (client < 0) return;
  for (size_t length; *text != '\0'; text += length) {
    length = strcspn(text, "\n");
    if (length > 0) send(client, text, length, MSG_NOSIGNAL);
    /* The client's terminal is raw. */
    if (text[length] == '\n') send(client, "\r\n", 2, MSG_NOSIGNAL), length++;
  }
}

void tell_client_ready(void) {
  static const char line[] = "{\"ok\":true,\"ready\":true}\n";
  send(client, line, sizeof line - 1, MSG_NOSIGNAL);
}

static void lose_client(void) {
  shut(&client);
  shut(&master); /* The kernel tells the job's session by SIGHUP. */
}

/* What the client sent, as far as it is whole. */
static void parse(void) {
  while (typed == 0 && up.length >= HEADER) {
    size_t length = (size_t)up.bytes[1] << 8 | up.bytes[2];
    if (up.bytes[0] == 'D') {
      take(&up, HEADER);
      typed = length;
      continue;
    }
    if (up.bytes[0] != 'W' || length != 4) {
      lose_client();
      return;
    }
    if (up.length < HEADER + length) return;
    resize((unsigned)up.bytes[3] << 8 | up.bytes[4], (unsigned)up.bytes[5] << 8 | up.bytes[6]);
    take(&up, HEADER + length);
  }
}

static size_t for_master(void) {
  return typed < up.length ? typed : up.length;
}

void poll_terminal(struct pollfd fds[2]) {
  short of_master = (short)((down.length < sizeof down.bytes ? POLLIN : 0) | (for_master() > 0 ? POLLOUT : 0));
  short of_client = (short)((up.length < sizeof up.bytes ? POLLIN : 0) | (down.length > 0 ? POLLOUT : 0));
  /* poll(2) reports hang-ups to whoever asks, also while their rest has no room: so ask only for what can be used. */
  fds[0] = (struct pollfd){of_master ? master : -1, of_master, 0};
  fds[1] = (struct pollfd){of_client ? client : -1, of_client, 0};
}

/* Bytes read; 0 for none now; -1 when no more will come. */
static ssize_t fill(int fd, struct buffer *buffer) {
  ssize_t n = read(fd, buffer->bytes + buffer->length, sizeof buffer->bytes - buffer->length);
  if (n > 0) buffer->length += (size_t)n;
  if (n > 0) return n;
  return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

bool move_terminal(const struct pollfd fds[2]) {
  if (fds[0].fd >= 0 && fds[0].revents & (POLLIN | POLLHUP | POLLERR) && down.length < sizeof down.bytes && fill(master, &down) < 0)
    shut(&master); /* EIO: no process has the terminal any more */
  if (fds[1].fd >= 0 && fds[1].revents & (POLLIN | POLLHUP | POLLERR) && up.length < sizeof up.bytes && fill(client, &up) < 0) {
    lose_client();
    return false;
  }
  parse();
  while (master >= 0 && for_master() > 0) {
    ssize_t n = write(master, up.bytes, for_master());
    if (n <= 0) break;
    typed -= (size_t)n;
    take(&up, (size_t)n);
    parse();
  }
  if (master < 0) up.length = typed = 0;
  if (client >= 0 && down.length > 0) {
    ssize_t n = send(client, down.bytes, down.length, MSG_NOSIGNAL);
    if (n > 0) take(&down, (size_t)n);
    if (n < 0 && errno != EAGAIN && errno != EINTR) lose_client();
  }
  return client >= 0;
}

static void drain(void) {
  for (long long deadline = now_ms() + DRAIN_MS; client >= 0 && (master >= 0 || down.length > 0) && now_ms() < deadline;) {
    struct pollfd fds[2];
    poll_terminal(fds);
    if (poll(fds, 2, (int)(deadline - now_ms())) < 0 && errno != EINTR) break;
    move_terminal(fds);
  }
}

void part_from_client(void) {
  drain();
  if (client >= 0) shutdown(client, SHUT_RDWR); /* The outer shepherd has it open, too. */
  lose_client();
}
