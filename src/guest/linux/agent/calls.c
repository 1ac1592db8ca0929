/* The queue of calls: in order, one at a time; one that has to wait is tried again later. */
#include "agent.h"
#include <stdarg.h>

enum { QUEUE_MAX = 16 << 20, PING_MAX = 60000, WAIT_MAX = 600000, CHAINED = 1 };
static struct call *first, **last = &first;
static size_t queued;
static bool chain_failed;

static int call_ping(struct call *c) {
  c->results = c->argv + 1;
  c->nresults = c->argc - 1;
  return c->size > PING_MAX ? EMSGSIZE : 0;
}

/* Arguments: p absolute path, s text, n number, u number below 2^32, o octal mode, b bytes, * any more bytes. */
static const struct { const char *name, *form; int (*run)(struct call *); } TABLE[] = {
  {"ping", "*", call_ping},       {"modules", "s", call_modules}, {"mkdir", "pouu", call_mkdir},  {"mount", "spsusu", call_mount},
  {"umount", "pu", call_umount},  {"root", "", call_root},        {"read", "pnu", call_read},     {"file", "pouuub", call_file},
  {"hostname", "s", call_hostname}, {"net", "ssssuu", call_net},  {"clock", "n", call_clock},     {"reseed", "b", call_reseed},
  {"listen", "u", call_listen},   {"sync", "", call_sync},        {"terminate", "u", call_terminate}, {"poweroff", "", call_poweroff},
  {"devices", "", call_devices},  {"serve", "supb", call_serve}, {"time", "", call_time},        {"slew", "s", call_slew},
  {"tidy", "n", call_tidy},
};

/* Check the arguments and read the numbers. */
static int decode(struct call *c, const char *form) {
  size_t i = 1;
  char *end;
  for (; *form && *form != '*'; form++, i++) {
    snprintf(c->text, sizeof c->text, "argument %zu", i);
    if (i >= c->argc) return EINVAL;
    const char *p = c->argv[i].p;
    if ((*form != 'b' && strlen(p) != c->argv[i].n) || (*form == 'p' && *p != '/')) return EINVAL;
    if (!strchr("nuo", *form)) continue;
    uint64_t max = *form == 'n' ? UINT64_MAX : *form == 'u' ? UINT32_MAX : 07777;
    errno = 0;
    c->n[i] = strtoull(p, &end, *form == 'o' ? 8 : 10);
    if (*p < '0' || *p > '9' || *end || errno || c->n[i] > max) return EINVAL;
  }
  c->text[0] = 0;
  return *form == 0 && i < c->argc ? EINVAL : 0;
}

/* Say what failed; errno is why. */
int fail(struct call *c, const char *format, ...) {
  int error = errno;
  va_list rest;
  va_start(rest, format);
  vsnprintf(c->text, sizeof c->text, format, rest);
  va_end(rest);
  return error ? error : EINVAL;
}

int fail_with(struct call *c, int error, const char *text) {
  errno = error;
  return fail(c, "%s", text);
}

/* Whether a call may wait on for a thing that is not there yet. The pauses grow up to 50 ms. */
bool retry(struct call *c, uint64_t wait) {
  int64_t past = now_ms() - c->since, pause = past / 2 + 2;
  c->retry_at = now_ms() + (pause < 50 ? pause : 50);
  return past < (int64_t)(wait < WAIT_MAX ? wait : WAIT_MAX);
}

void call_add(uint32_t id, uint8_t *p, size_t n, int error) {
  struct call *c = malloc(sizeof *c + n + 1);
  if (c == NULL) {
    send_frame(REPLY, id, "42", ENOMEM, 0);
    return;
  }
  *c = (struct call){.id = id, .size = n, .error = error};
  memcpy(c->buffer, p, n);
  struct reader r = {c->buffer, c->buffer + n, error != 0};
  c->flags = (uint8_t)get(&r, 1);
  c->argv = get_list(&r, &c->argc);
  if (!error && (r.bad || c->argc == 0)) c->error = EBADMSG;
  queued += n + sizeof *c;
  *last = c;
  last = &c->next;
}

static void drop(struct call *c) {
  first = c->next;
  if (first == NULL) last = &first;
  queued -= c->size + sizeof *c;
  free(c->argv);
  free(c);
}

static int run(struct call *c) {
  if (c->error) return c->error;
  if ((c->flags & CHAINED) && chain_failed) return ECANCELED;
  for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++) {
    if (strcmp(c->argv[0].p, TABLE[i].name) != 0) continue;
    int error = decode(c, TABLE[i].form);
    if (c->since == 0) c->since = now_ms();
    return error ? error : TABLE[i].run(c);
  }
  return ENOSYS;
}

void calls_run(void) {
  while (first && now_ms() >= first->retry_at && out_room()) {
    struct call *c = first;
    c->retry_at = now_ms() + 5;
    int error = run(c);
    if (error == AGAIN) return;
    chain_failed = error != 0;
    struct item text = {c->text, strlen(c->text)};
    send_frame(REPLY, c->id, "4l", error, error ? &text : c->results, error ? 1 : c->nresults);
    drop(c);
  }
}

void calls_drop(void) {
  while (first) drop(first);
  chain_failed = false;
}

bool calls_full(void) { return queued > QUEUE_MAX; }

int calls_timeout(void) {
  int64_t left = first ? first->retry_at - now_ms() : -1;
  return first ? (left > 0 ? (int)left : 0) : -1;
}
