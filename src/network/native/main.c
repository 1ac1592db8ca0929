/*
 * jobnet hold PARENT MTU OUTBOUND FROM
 *     Make the namespaces and what is in them, and hold them until process PARENT or the other end of descriptor 3 is gone.
 *     OUTBOUND: the job's subnet, for a tap "gateway" that slirp4netns can attach to; or none.
 *     FROM: bridge, for a bridge that taps can join; stream, for that and a trunk whose frames are copied from and to
 *     descriptor 4; anything else: no bridge, what is for outside comes from that tap of the node's own network.
 * jobnet tap HOLDER NAME QUEUES MTU FD PROGRAM ARGUMENTS
 *     Run a program, in the caller's namespaces, with the queues of a new tap in those of process HOLDER as its descriptors
 *     from FD on. HOLDER 0: of a tap that is there, in the caller's namespaces.
 * jobnet probe
 *     Whether this user can have all that on this node.
 */
#define _GNU_SOURCE
#include "jobnet.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(enum exit_code code, const char *format, ...) {
  int cause = errno;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  if (cause != 0) fprintf(stderr, ": %s", strerror(cause));
  fputc('\n', stderr);
  exit(code);
}

long number(const char *text, long min, long max) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno == 0 && end != text && *end == '\0' && value >= min && value <= max) return value;
  errno = 0;
  fail(BAD_USAGE, "not a number from %ld to %ld: \"%s\"", min, max, text);
}

static void probe(void) {
  enter_new_namespaces();
  make_bridge(BRIDGE, 1500);
  open_tap("probe", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, NO_TAP);
  join_bridge(BRIDGE, "probe", 1500);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "hold") == 0) hold(argv + 2, argc - 2);
  if (strcmp(what, "tap") == 0) run_with_tap(argv + 2, argc - 2);
  if (strcmp(what, "probe") == 0 && argc == 2) {
    probe();
    return 0;
  }
  errno = 0;
  fail(BAD_USAGE, "usage: jobnet hold|tap|probe ...");
}
