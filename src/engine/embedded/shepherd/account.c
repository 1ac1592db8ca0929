/*
 * account peer         who is at the other end of the socket on descriptor 0: "uid N"
 * account user UID     that user's account, as the machine's name service knows it (so also LDAP and the like)
 *
 * Node can neither ask a socket for its peer nor look up another user's account.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int show_peer(void) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  /* What the kernel noted when the client connected: nobody can claim to be somebody else. */
  if (getsockopt(0, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return 1;
  printf("uid %u\n", (unsigned)peer.uid);
  return 0;
}

static int show_user(uid_t uid) {
  const struct passwd *user = getpwuid(uid);
  if (user == NULL) return 3;
  gid_t groups[1024];
  int count = sizeof groups / sizeof *groups;
  if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0) return 1;
  printf("uid %u\ngid %u\nname %s\nhome %s\nshell %s\n", (unsigned)uid, (unsigned)user->pw_gid, user->pw_name, user->pw_dir,
         user->pw_shell[0] != '\0' ? user->pw_shell : "/bin/sh");
  for (int i = 0; i < count; i++) printf("group %u\n", (unsigned)groups[i]);
  const struct group *group = getgrgid(user->pw_gid);
  if (group != NULL) printf("group_name %s\n", group->gr_name);
  return 0;
}

int main(int argc, char **argv) {
  int result = 2;
  if (argc == 2 && strcmp(argv[1], "peer") == 0) result = show_peer();
  else if (argc == 3 && strcmp(argv[1], "user") == 0) result = show_user((uid_t)strtoul(argv[2], NULL, 10));
  return fflush(stdout) == 0 ? result : 1;
}
