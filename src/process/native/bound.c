/*
 * bound PARENT PROGRAM ARGUMENTS: run a program that cannot outlive process PARENT, and that only KILL reaches of all that a
 * batch system sends to the processes of a job. With 0 for PARENT its parent is not looked at: where that is another one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const int of_the_job[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  pid_t parent = (pid_t)atol(argv[1]);
  sigset_t blocked;
  sigemptyset(&blocked);
  for (size_t i = 0; i < sizeof of_the_job / sizeof *of_the_job; i++) sigaddset(&blocked, of_the_job[i]);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return 1;
  /* It may have died before the kernel was told. */
  if (parent != 0 && getppid() != parent) return 1;
  execvp(argv[2], argv + 2);
  fprintf(stderr, "Cannot start \"%s\": %s\n", argv[2], strerror(errno));
  return errno == ENOENT ? 127 : 126;
}
