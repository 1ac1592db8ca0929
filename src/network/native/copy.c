/*
 * Frames between taps, and between a tap and a stream. A frame has its virtio_net_hdr before it, so that segments of up to
 * 64 KiB pass whole. In a stream its length stands before that, four bytes, the highest first. Nothing is kept for who does
 * not take it: then nothing is read, and the kernel drops what the tap's queue does not hold.
 */
#define _GNU_SOURCE
#include "jobnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LENGTH = 4, LONGEST = 68 * 1024, BATCH = 256 * 1024, IN_A_ROW = 64 };

static char outgoing[BATCH + LENGTH + LONGEST], incoming[BATCH + LENGTH + LONGEST];

static bool must_wait(void) {
  return errno == EAGAIN || errno == EINTR || errno == ENOBUFS;
}

/* What the other frames are worth is not for one to decide that the kernel does not take. */
static void give(int tap, const void *frame, size_t length) {
  if (write(tap, frame, length) < 0 && errno == EBADFD) fail(NO_TAP, "a tap is gone");
}

/* Frames that wait at the tap, as a stream. */
static size_t collect(int tap) {
  size_t filled = 0;
  while (filled < BATCH) {
    ssize_t length = read(tap, outgoing + filled + LENGTH, LONGEST);
    if (length <= 0) {
      if (length < 0 && !must_wait()) fail(NO_TAP, "a tap is gone");
      break;
    }
    uint32_t head = htonl((uint32_t)length);
    memcpy(outgoing + filled, &head, LENGTH);
    filled += LENGTH + (size_t)length;
  }
  return filled;
}

/* Give the tap what is whole; returns how many bytes of the next frame there are. */
static size_t deliver(int tap, size_t filled) {
  size_t at = 0;
  while (filled - at >= LENGTH) {
    uint32_t head;
    memcpy(&head, incoming + at, LENGTH);
    size_t length = ntohl(head);
    errno = 0;
    if (length > LONGEST) fail(BAD_USAGE, "a frame of %zu bytes", length);
    if (filled - at < LENGTH + length) break;
    give(tap, incoming + at + LENGTH, length);
    at += LENGTH + length;
  }
  memmove(incoming, incoming + at, filled - at);
  return filled - at;
}

/* Both return false when the other side has ended. */
static bool receive(int stream, int tap, size_t *received) {
  ssize_t length = read(stream, incoming + *received, sizeof incoming - *received);
  if (length == 0 || (length < 0 && !must_wait())) return false;
  if (length > 0) *received = deliver(tap, *received + (size_t)length);
  return true;
}

static bool send_on(int stream, size_t *sent, size_t to_send) {
  if (*sent == to_send) return true;
  ssize_t length = send(stream, outgoing + *sent, to_send - *sent, MSG_NOSIGNAL);
  if (length > 0) *sent += (size_t)length;
  return length >= 0 || must_wait();
}

/* Some frames; the others have their turn after those of other taps. */
static void pass_on(int from, int to, const struct subnet *only_outbound) {
  static unsigned char frame[LONGEST];
  for (int i = 0; i < IN_A_ROW; i++) {
    ssize_t length = read(from, frame, sizeof frame);
    if (length < 0 && !must_wait()) fail(NO_TAP, "a tap is gone");
    if (length <= 0) return;
    if (only_outbound == NULL || may_leave(only_outbound, frame, (size_t)length)) give(to, frame, (size_t)length);
  }
}

void copy(const struct copying *c) {
  size_t sent = 0, to_send = 0, received = 0;
  if (c->stream >= 0) fcntl(c->stream, F_SETFL, fcntl(c->stream, F_GETFL) | O_NONBLOCK);
  enum { LIFETIME, STREAM, TRUNK_TAP, INSIDE, OUTSIDE_TAP, ALL };
  for (;;) {
    bool sending = sent < to_send;
    struct pollfd fds[ALL] = {
        [LIFETIME] = {.fd = c->lifetime, .events = POLLIN},
        [STREAM] = {.fd = c->stream, .events = (short)(POLLIN | (sending ? POLLOUT : 0))},
        [TRUNK_TAP] = {.fd = sending ? -1 : c->trunk, .events = POLLIN},
        [INSIDE] = {.fd = c->inside, .events = POLLIN},
        [OUTSIDE_TAP] = {.fd = c->outside, .events = POLLIN},
    };
    if (poll(fds, ALL, -1) < 0) continue;
    char byte;
    if (fds[LIFETIME].revents != 0 && read(c->lifetime, &byte, 1) <= 0) return;
    if ((fds[STREAM].revents & ~POLLOUT) != 0 && !receive(c->stream, c->trunk, &received)) return;
    if (fds[TRUNK_TAP].revents != 0) {
      sent = 0;
      to_send = collect(c->trunk);
    }
    if (!send_on(c->stream, &sent, to_send)) return;
    if (fds[INSIDE].revents != 0) pass_on(c->inside, c->outside, &c->subnet);
    if (fds[OUTSIDE_TAP].revents != 0) pass_on(c->outside, c->inside, NULL);
  }
}
