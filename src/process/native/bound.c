/*
 * bound [--open] PARENT PROGRAM ARGUMENTS: run a program that cannot outlive process PARENT, and that only KILL reaches of all
 * that a batch system sends to the processes of a job. With --open, signals reach it.
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

static void block_signals(void) {
  sigset_t blocked;
  sigemptyset(&blocked);
  for (size_t i = 0; i < sizeof of_the_job / sizeof *of_the_job; i++) sigaddset(&blocked, of_the_job[i]);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
}

int main(int argc, char **argv) {
  int is_open = argc > 1 && strcmp(argv[1], "--open") == 0;
  char **words = argv + 1 + is_open;
  if (argc - is_open < 3) return 2;
  pid_t parent = (pid_t)atol(words[0]);
  if (!is_open) block_signals();
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return 1;
  /* It may have died before the kernel was told. */
  if (getppid() != parent) return 1;
  execvp(words[1], words + 1);
  fprintf(stderr, "Cannot start \"%s\": %s\n", words[1], strerror(errno));
  return errno == ENOENT ? 127 : 126;
}
