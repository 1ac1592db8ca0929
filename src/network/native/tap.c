/* Run a program with a tap of the job's network. */
#define _GNU_SOURCE
#include "jobnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct message {
  struct msghdr head;
  struct iovec data;
  char byte;
  union {
    struct cmsghdr align;
    char space[CMSG_SPACE(MOST_QUEUES * sizeof(int))];
  } control;
};

static void prepare(struct message *message, size_t queues) {
  memset(message, 0, sizeof *message);
  message->data = (struct iovec){.iov_base = &message->byte, .iov_len = 1};
  message->head.msg_iov = &message->data;
  message->head.msg_iovlen = 1;
  message->head.msg_control = message->control.space;
  message->head.msg_controllen = CMSG_SPACE(queues * sizeof(int));
}

/* A process that is in a user namespace cannot leave it: so it is another one that goes there, and hands the tap out. */
static _Noreturn void make_tap(int out, pid_t holder, const char *name, size_t queues, int mtu) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  join_namespaces(holder);
  short flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (queues > 1 ? IFF_MULTI_QUEUE : 0));
  int taps[MOST_QUEUES];
  for (size_t i = 0; i < queues; i++) taps[i] = open_tap(name, flags, NO_TAP);
  join_bridge(BRIDGE, name, mtu);
  struct message message;
  prepare(&message, queues);
  struct cmsghdr *control = CMSG_FIRSTHDR(&message.head);
  control->cmsg_level = SOL_SOCKET;
  control->cmsg_type = SCM_RIGHTS;
  control->cmsg_len = CMSG_LEN(queues * sizeof(int));
  memcpy(CMSG_DATA(control), taps, queues * sizeof(int));
  if (sendmsg(out, &message.head, 0) != 1) fail(NO_TAP, "tap \"%s\" cannot be handed over", name);
  _exit(0);
}

static void receive(int in, int taps[], size_t queues) {
  struct message message;
  prepare(&message, queues);
  struct cmsghdr *control;
  if (recvmsg(in, &message.head, MSG_CMSG_CLOEXEC) != 1 || (control = CMSG_FIRSTHDR(&message.head)) == NULL ||
      control->cmsg_type != SCM_RIGHTS || control->cmsg_len != CMSG_LEN(queues * sizeof(int)))
    fail(NO_TAP, "a tap was not handed over");
  memcpy(taps, CMSG_DATA(control), queues * sizeof(int));
}

/* Root has made it in the node's own network, with several queues whether they are used or not, and in its bridge. */
static void open_prepared(const char *name, int taps[], size_t queues) {
  short flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
  for (size_t i = 0; i < queues; i++) taps[i] = open_tap(name, flags, NO_TAP);
}

static void take_over(pid_t holder, const char *name, int mtu, int taps[], size_t queues) {
  int pair[2], status;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) fail(NO_TAP, "no socket pair");
  pid_t child = fork();
  if (child < 0) fail(NO_TAP, "no process");
  if (child == 0) make_tap(pair[1], holder, name, queues, mtu);
  close(pair[1]);
  if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) fail(NO_TAP, "the tap was not made");
  if (WEXITSTATUS(status) != 0) _exit(WEXITSTATUS(status));
  receive(pair[0], taps, queues);
}

void run_with_tap(char **argv, int argc) {
  errno = 0;
  if (argc < 6) fail(BAD_USAGE, "usage: jobnet tap HOLDER NAME QUEUES MTU FD PROGRAM ARGUMENTS");
  pid_t holder = (pid_t)number(argv[0], 0, 1L << 30);
  size_t queues = (size_t)number(argv[2], 1, MOST_QUEUES);
  int mtu = (int)number(argv[3], SMALLEST_MTU, LARGEST_MTU), first = (int)number(argv[4], 3, 1000);
  int taps[MOST_QUEUES];
  if (holder == 0) open_prepared(argv[1], taps, queues);
  else take_over(holder, argv[1], mtu, taps, queues);
  /* Out of the way of the numbers that they are to have. */
  for (size_t i = 0; i < queues; i++)
    if ((taps[i] = fcntl(taps[i], F_DUPFD_CLOEXEC, first + (int)queues)) < 0) fail(NO_TAP, "no descriptor");
  for (size_t i = 0; i < queues; i++)
    if (dup2(taps[i], first + (int)i) < 0) fail(NO_TAP, "no descriptor");
  execvp(argv[5], argv + 5);
  fprintf(stderr, "Cannot start \"%s\": %s\n", argv[5], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}
