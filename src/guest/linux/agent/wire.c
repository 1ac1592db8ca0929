/* Bytes of the protocol: frames out through a ring, payloads in. */
#include "agent.h"
#include <stdarg.h>
#include <sys/uio.h>

enum { RING = 1 << 20, DATA_MARK = 1 << 18 };
static uint8_t ring[RING];
static size_t head, tail; /* they only grow; a position is taken modulo RING */

/* Every producer asks first and then adds less than 128 KiB, so the ring cannot overflow. */
bool out_room(void) { return tail - head < RING / 2; }
bool out_room_data(void) { return tail - head < DATA_MARK; }
size_t out_used(void) { return tail - head; }
void out_reset(void) { head = tail = 0; }

static int span(size_t at, size_t n, struct iovec v[2]) {
  size_t first = RING - at % RING < n ? RING - at % RING : n;
  v[0] = (struct iovec){ring + at % RING, first};
  v[1] = (struct iovec){ring, n - first};
  return n > first ? 2 : 1;
}

/* Write what is there as far as it goes without waiting. Returns 0 or an errno. */
int out_flush(int fd) {
  struct iovec v[2];
  while (head < tail) {
    ssize_t n = writev(fd, v, span(head, tail - head, v));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 || errno == EAGAIN ? 0 : errno;
    head += (size_t)n;
  }
  return 0;
}

static void put(const void *p, size_t n) {
  struct iovec v[2];
  span(tail, n, v);
  if (n > 0) memcpy(v[0].iov_base, p, v[0].iov_len);
  if (n > 0) memcpy(v[1].iov_base, (const uint8_t *)p + v[0].iov_len, v[1].iov_len);
  tail += n;
}

static void put_number(uint64_t v, int bytes) {
  uint8_t b[8];
  for (int i = 0; i < bytes; i++) b[i] = (uint8_t)(v >> (8 * (bytes - 1 - i)));
  put(b, (size_t)bytes);
}

static void put_header(size_t at, uint8_t type, uint32_t id) {
  size_t end = tail;
  tail = at;
  put_number(end - at - HEADER, 4);
  put_number(type, 1);
  put_number(id, 4);
  tail = end;
}

/* One frame. Format: 1 2 4 (unsigned) and 8 (uint64_t) integers of so many bytes, s text, b bytes (pointer, size_t), l LIST (items, size_t). */
void send_frame(uint8_t type, uint32_t id, const char *format, ...) {
  size_t at = tail;
  va_list rest;
  va_start(rest, format);
  tail += HEADER;
  for (; *format; format++) {
    const void *p = strchr("sbl", *format) ? va_arg(rest, const void *) : NULL;
    size_t n = *format == 'b' || *format == 'l' ? va_arg(rest, size_t) : 0;
    if (*format == 's') put(p, strlen(p));
    else if (*format == 'b') put(p, n);
    else if (*format == 'l') {
      const struct item *items = p;
      put_number(n, 2);
      for (size_t i = 0; i < n; i++) put_number(items[i].n, 4), put(items[i].p, items[i].n);
    } else put_number(*format == '8' ? va_arg(rest, uint64_t) : va_arg(rest, unsigned), *format - '0');
  }
  va_end(rest);
  put_header(at, type, id);
}

/* One frame with what `fd` has to read, at most `max` bytes, read straight into the ring. Returns as read(2) does. */
ssize_t send_from(int fd, uint8_t type, uint32_t id, size_t max) {
  struct iovec v[2];
  ssize_t n = readv(fd, v, span(tail + HEADER, max < MAX_PAYLOAD ? max : MAX_PAYLOAD, v));
  if (n > 0) {
    tail += HEADER + (size_t)n;
    put_header(tail - HEADER - (size_t)n, type, id);
  }
  return n;
}

/* The next integer of so many bytes. After a payload that is too short `bad` is set, and zeros come out. */
uint64_t get(struct reader *r, size_t bytes) {
  uint64_t v = 0;
  if ((size_t)(r->end - r->p) < bytes) r->bad = true;
  for (; !r->bad && bytes > 0; bytes--) v = v << 8 | *r->p++;
  return v;
}

/* A LIST that ends the payload. The items point into it and are ended with a NUL each: the byte after the payload must be writable. */
struct item *get_list(struct reader *r, size_t *count) {
  size_t n = *count = get(r, 2);
  struct item *items = r->bad ? NULL : calloc(n + 1, sizeof *items);
  if (items == NULL) r->bad = true;
  for (size_t i = 0; i < n && !r->bad; i++) {
    items[i].n = get(r, 4);
    items[i].p = (char *)r->p;
    if (items[i].n > (size_t)(r->end - r->p)) r->bad = true;
    else r->p += items[i].n;
  }
  if (r->p != r->end) r->bad = true;
  for (size_t i = 0; i < n && !r->bad; i++) items[i].p[items[i].n] = 0;
  return items;
}
