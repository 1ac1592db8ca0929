#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shepherd.h"

/* Root must never open a path in a directory of the user: he could put a link there. So a child that is the user does
 * it, and dies with the shepherd or after this time. */
enum { USER_WORK_S = 600 };

void become_user(const struct job *job) {
  if (geteuid() == 0) {
    if (setgroups(job->group_count, job->groups) < 0) die("set the groups of", "the user");
    if (setresgid(job->gid, job->gid, job->gid) < 0) die("become", "the group");
    if (setresuid(job->uid, job->uid, job->uid) < 0) die("become", "the user");
  }
  /* After setuid, which would clear it. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) die("bind", "to the shepherd's life");
}

/* Run `work` as the user in a child; true when it returned 0. `fd` stays open there. */
static bool as_user(const struct job *job, int fd, int (*work)(const struct job *, int, const void *), const void *arg) {
  pid_t shepherd = getpid(), child = fork();
  if (child == 0) {
    become_user(job);
    if (getppid() != shepherd) _exit(1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(USER_WORK_S);
    umask(0);
    if (fd > 2) {
      if (dup2(fd, 3) < 0) _exit(1);
      fd = 3;
    }
    close_range(fd > 2 ? 4 : 3, ~0U, 0);
    _exit(work(job, fd, arg));
  }
  int status = 1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(fd, bytes, length);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes += n, length -= (size_t)n;
  }
  return true;
}

static int copy_out(const struct job *job, int from, const void *arg) {
  const struct stream *stream = arg;
  char path[8192];
  struct stat st;
  const char *format = "%s%s", *rest = stream->suffix;
  bool there = stat(stream->to, &st) == 0;
  if (there && S_ISDIR(st.st_mode)) format = "%s/%s", rest = stream->name;
  else if (there && !S_ISREG(st.st_mode)) rest = ""; /* There is one /dev/null for all elements. */
  int length = snprintf(path, sizeof path, format, stream->to, rest);
  if (length < 0 || length >= (int)sizeof path) return 1;
  /* O_NONBLOCK: a pipe that nobody reads must not hold the job. */
  int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC, job->output_mode);
  if (to < 0 || fstat(to, &st) < 0) return 1;
  if (S_ISREG(st.st_mode)) fchmod(to, job->output_mode);
  static char buffer[1 << 18];
  ssize_t n;
  while ((n = read(from, buffer, sizeof buffer)) > 0)
    if (!write_all(to, buffer, (size_t)n)) break;
  if (n == 0 && close(to) == 0) return 0;
  if (S_ISREG(st.st_mode)) unlink(path); /* Half an output looks like a whole one; it is kept whole in `undelivered`. */
  return 1;
}

void deliver_outputs(const struct job *job) {
  for (int i = 0; i < STREAMS; i++) {
    const struct stream *stream = &job->streams[i];
    if (stream->to == NULL || stream->spool == NULL) continue;
    int from = open(stream->spool, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0) continue; /* Delivered before, by a shepherd that was killed after it. */
    if (as_user(job, from, copy_out, stream)) {
      unlink(stream->spool);
    } else {
      char kept[8192];
      const char *name = strrchr(stream->spool, '/');
      snprintf(kept, sizeof kept, "%s%s", job->undelivered, name);
      rename(stream->spool, kept);
    }
    close(from);
  }
}

static void empty_directory(int fd) {
  DIR *dir = fdopendir(fd);
  if (dir == NULL) return;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(fd, name, 0) == 0) continue;
    fchmodat(fd, name, 0700, 0);
    int inner = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0) continue;
    empty_directory(inner);
    unlinkat(fd, name, AT_REMOVEDIR);
  }
  closedir(dir);
}

static int empty_tmpdir(const struct job *job, int unused, const void *arg) {
  (void)unused, (void)arg;
  chmod(job->tmpdir, 0700);
  int fd = open(job->tmpdir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) empty_directory(fd);
  return 0;
}

void remove_tmpdir(const struct job *job) {
  as_user(job, -1, empty_tmpdir, NULL);
  rmdir(job->tmpdir); /* Its parent is ours, so this needs our rights and is safe. */
}

static int append_text(const struct job *job, int unused, const void *text) {
  (void)unused;
  int fd = open(job->streams[STREAM_ERR].to, O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC);
  return fd >= 0 && write_all(fd, text, strlen(text)) ? 0 : 1;
}

void append_message(const struct job *job, const char *text) {
  if (job->terminal != NULL) {
    tell_client(text);
    return;
  }
  const struct stream *stream = &job->streams[job->streams[STREAM_ERR].to != NULL ? STREAM_ERR : STREAM_OUT];
  if (stream->spool == NULL) {
    struct job kept = *job;
    kept.streams[STREAM_ERR] = *stream;
    as_user(&kept, -1, append_text, text);
    return;
  }
  int fd = open(stream->spool, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  write_all(fd, text, strlen(text));
  close(fd);
}
