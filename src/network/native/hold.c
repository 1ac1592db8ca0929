/* Make the job's network of this node, and hold it. */
#define _GNU_SOURCE
#include "jobnet.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { LIFETIME = 3, STREAM = 4 };

/* Nobody has it until slirp4netns attaches to it; it ends with the namespace. */
static void make_gateway(int mtu) {
  int tap = open_tap(GATEWAY, IFF_TAP | IFF_NO_PI, NO_TAP);
  if (ioctl(tap, TUNSETPERSIST, 1) < 0) fail(NO_TAP, "tap \"%s\"", GATEWAY);
  close(tap);
  join_bridge(OUTSIDE, GATEWAY, mtu);
}

void hold(char **argv, int argc) {
  errno = 0;
  if (argc != 4) fail(BAD_USAGE, "usage: jobnet hold PARENT MTU OUTBOUND FROM");
  pid_t parent = (pid_t)number(argv[0], 1, 1L << 30);
  int mtu = (int)number(argv[1], SMALLEST_MTU, LARGEST_MTU);
  const char *from = argv[3];
  bool outbound = strcmp(argv[2], "none") != 0, streams = strcmp(from, "stream") == 0;
  bool bridged = streams || strcmp(from, "bridge") == 0;
  struct copying copying = {.lifetime = LIFETIME, .trunk = -1, .stream = -1, .inside = -1, .outside = -1};
  if (outbound) copying.subnet = read_subnet(argv[2]);
  if (!bridged) copying.inside = open_copied_tap(from, NO_OUTER_TAP);
  enter_new_namespaces();
  /* New credentials may have reset what it was started with. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent) _exit(1);
  if (bridged) make_bridge(BRIDGE, mtu);
  if (streams) {
    copying.stream = STREAM;
    copying.trunk = make_copied_tap(BRIDGE, TRUNK, mtu);
  }
  if (outbound) {
    make_bridge(OUTSIDE, mtu);
    make_gateway(mtu);
    copying.outside = make_copied_tap(OUTSIDE, ENTRY, mtu);
    if (bridged) copying.inside = make_copied_tap(BRIDGE, EXIT, mtu);
  }
  drop_capabilities();
  if (write(LIFETIME, "ready\n", 6) != 6) _exit(1);
  copy(&copying);
  _exit(0);
}
