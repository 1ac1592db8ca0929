/* User and network namespaces: of the job, made by the holder and joined by who opens a tap in them. */
#define _GNU_SOURCE
#include "jobnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void write_map(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text))
    fail(NO_NAMESPACE, "the user namespace cannot be set up (%s)", path);
  close(file);
}

void enter_new_namespaces(void) {
  uid_t uid = geteuid();
  gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) fail(NO_NAMESPACE, "no user namespace");
  char map[64];
  write_map("/proc/self/setgroups", "deny");
  /* As root in there, because that is who slirp4netns becomes when it joins. */
  snprintf(map, sizeof map, "0 %u 1", uid);
  write_map("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "0 %u 1", gid);
  write_map("/proc/self/gid_map", map);
}

static int open_namespace(pid_t holder, const char *kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)holder, kind);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(HOLDER_GONE, "the job's network is gone");
  return file;
}

void join_namespaces(pid_t holder) {
  int user = open_namespace(holder, "user"), net = open_namespace(holder, "net");
  if (setns(user, CLONE_NEWUSER) < 0 || setns(net, CLONE_NEWNET) < 0)
    fail(HOLDER_GONE, "the job's network cannot be joined");
  close(user);
  close(net);
}

void drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
  memset(none, 0, sizeof none);
  if (syscall(SYS_capset, &header, none) < 0) fail(NO_NAMESPACE, "capabilities cannot be dropped");
}
