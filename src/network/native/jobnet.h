/*
 * jobnet: a job's private layer-2 network on one node, made by an ordinary user in a user and network namespace of his own.
 * Its subcommands are in main.c.
 */
#ifndef JOBNET_H
#define JOBNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit codes; src/network/holder.ts makes messages of them. */
enum exit_code {
  BAD_USAGE = 2,
  NO_NAMESPACE = 70,
  NO_TUN = 71,
  NO_BRIDGE = 72,
  NO_TAP = 73,
  NO_OUTER_TAP = 74,
  BAD_MTU = 75,
  HOLDER_GONE = 76,
};

/*
 * Links in the namespace. Every VM's tap is in the bridge "jobnet", and so is the trunk's. What is for outside leaves by the
 * tap "exit", passes may_leave(), and enters the bridge "outside", where slirp4netns has its tap "gateway".
 */
#define BRIDGE "jobnet"
#define TRUNK "trunk"
#define EXIT "exit"
#define OUTSIDE "outside"
#define ENTRY "entry"
#define GATEWAY "gateway"

/* What stands before the Ethernet frame at a tap that knows of it. */
enum { VNET_HEADER = 10 };

enum { MOST_QUEUES = 64, LARGEST_MTU = 65521, SMALLEST_MTU = 576 };

/* Say why on standard error, with errno's words unless it is 0, and end. */
_Noreturn void fail(enum exit_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A decimal number from min to max, or the end of the program. */
long number(const char *text, long min, long max);

/* namespace.c */
void enter_new_namespaces(void);
void join_namespaces(pid_t holder);
void drop_capabilities(void);

/* links.c */
void make_bridge(const char *name, int mtu);
/* Put a link of this namespace into a bridge, with an MTU, and bring it up. */
void join_bridge(const char *bridge, const char *name, int mtu);
/* A tap as one queue of it; made if there is none of the name. */
int open_tap(const char *name, short flags, enum exit_code code);
/* A tap in a bridge, as open_copied_tap() opens it. */
int make_copied_tap(const char *bridge, const char *name, int mtu);
/* A tap whose frames come and go unsegmented, their checksums still to be made. */
int open_copied_tap(const char *name, enum exit_code code);

/* tap.c */
_Noreturn void run_with_tap(char **argv, int argc);

/* hold.c */
_Noreturn void hold(char **argv, int argc);

/* gate.c */
struct subnet {
  uint32_t base, mask;
};
/* "a.b.c.d/prefix", or the end of the program. */
struct subnet read_subnet(const char *text);
/* Whether a frame of the job, with its virtio_net_hdr, may go to slirp4netns. */
bool may_leave(const struct subnet *subnet, const unsigned char *frame, size_t length);

/* copy.c */
struct copying {
  /* The end of the copying is the end of this. */
  int lifetime;
  /* -1: there is none. */
  int trunk, stream;
  int inside, outside;
  struct subnet subnet;
};
void copy(const struct copying *copying);

#endif
