/*
 * template-memory run MEMORY DONE SIZE FILE PROGRAM ARGUMENTS: run a program with descriptor MEMORY open on SIZE bytes of memory
 *   without a name. A FILE other than "" is copied into it beside the program's start: a byte to descriptor DONE says that all is there.
 * template-memory data FILE: print "FROM TO" of each part of a file that is no hole, by which a reader need not read the holes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { PIECE = 16 << 20, PAGE = 4096 };

static int failed(const char *what) {
  fprintf(stderr, "Cannot %s: %s\n", what, strerror(errno));
  return 1;
}

static int copy_part(int file, int memory, off_t from, off_t to) {
  while (from < to) {
    off_t start = from & ~(off_t)(PAGE - 1);
    size_t skip = (size_t)(from - start), n = (size_t)(to - start < PIECE ? to - start : PIECE);
    char *bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, start);
    if (bytes == MAP_FAILED) return -1;
    ssize_t done = pwrite(memory, bytes + skip, n - skip, from);
    munmap(bytes, n);
    if (done <= 0) return -1;
    from += done;
  }
  return 0;
}

static int print_part(int file, int memory, off_t from, off_t to) {
  (void)file, (void)memory;
  return printf("%lld %lld\n", (long long)from, (long long)to) < 0 ? -1 : 0;
}

/* What is a hole reads as zeros, in a file as in memory. */
static int each_part(int file, int memory, int (*take)(int, int, off_t, off_t)) {
  for (off_t from = 0, to; (from = lseek(file, from, SEEK_DATA)) >= 0; from = to) {
    to = lseek(file, from, SEEK_HOLE);
    if (to < 0 || take(file, memory, from, to) < 0) return -1;
  }
  return errno == ENXIO ? 0 : -1;
}

static int run(char **argv) {
  int at = atoi(argv[2]), done = atoi(argv[3]), file = -1, memory = memfd_create("ram", 0);
  const char *path = argv[5];
  if (memory < 0 || ftruncate(memory, atoll(argv[4])) < 0) return failed("have memory");
  if (memory != at && (dup2(memory, at) < 0 || close(memory) < 0)) return failed("place the memory");
  if (*path) {
    if ((file = open(path, O_RDONLY | O_CLOEXEC)) < 0) return failed("open the template's memory");
    signal(SIGCHLD, SIG_IGN); /* kept by the program, which need not know of this child */
    pid_t program = getpid(), child = fork();
    if (child < 0) return failed("fork");
    if (child == 0) {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != program) return 1;
      if (each_part(file, at, copy_part) < 0) return failed("copy the template's memory");
      return write(done, ".", 1) == 1 ? 0 : 1;
    }
  }
  fcntl(done, F_SETFD, FD_CLOEXEC);
  execvp(argv[6], argv + 6);
  return failed("start the program");
}

int main(int argc, char **argv) {
  if (argc > 6 && strcmp(argv[1], "run") == 0) return run(argv);
  if (argc != 3 || strcmp(argv[1], "data") != 0) return 2;
  int file = open(argv[2], O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed("open the file");
  return each_part(file, -1, print_part) < 0 || fflush(stdout) != 0 ? failed("read the file") : 0;
}
