#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shepherd.h"

struct process {
  pid_t pid, parent, session;
  unsigned long vmem_kb, mem_kb;
  unsigned long long born; /* clock ticks after boot */
  bool ours;
};

/* Read a file below /proc; returns its length, 0 when the process is gone. */
static size_t slurp(pid_t pid, const char *file, char *into, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  size_t length = 0;
  ssize_t n;
  while (length < size && (n = read(fd, into + length, size - length)) > 0) length += (size_t)n;
  close(fd);
  return length;
}

static bool read_process(pid_t pid, struct process *process) {
  char text[1024];
  size_t length = slurp(pid, "stat", text, sizeof text - 1);
  text[length] = '\0';
  /* The command's name may hold anything, also ") R 1": the fields start after the last parenthesis. */
  const char *fields = strrchr(text, ')');
  char state;
  int parent, session;
  unsigned long vsize;
  unsigned long long born;
  long rss;
  if (fields == NULL || sscanf(fields, ") %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu %lu %ld",
                               &state, &parent, &session, &born, &vsize, &rss) != 6)
    return false;
  if (state == 'Z' || state == 'X') return false;
  unsigned long page_kb = (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
  *process = (struct process){pid, parent, session, vsize / 1024, (unsigned long)rss * page_kb, born, false};
  return true;
}

unsigned long long birth_of(pid_t pid) {
  struct process process;
  return read_process(pid, &process) ? process.born : 0;
}

static int by_pid(const void *a, const void *b) {
  return ((const struct process *)a)->pid - ((const struct process *)b)->pid;
}

/* All living processes, sorted by their numbers; the caller frees. */
static struct process *read_all(size_t *count) {
  size_t room = 512;
  struct process *all = malloc(room * sizeof *all);
  DIR *dir = opendir("/proc");
  if (all == NULL || dir == NULL) die("list", "/proc");
  *count = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
    if (!isdigit((unsigned char)entry->d_name[0]) || !read_process((pid_t)atoi(entry->d_name), &all[*count])) continue;
    if (++*count == room && (all = realloc(all, (room *= 2) * sizeof *all)) == NULL) die("list", "/proc");
  }
  closedir(dir);
  qsort(all, *count, sizeof *all, by_pid);
  return all;
}

size_t signal_descendants(int signal, pid_t session, struct usage *usage) {
  size_t count, hit = 0;
  struct process *all = read_all(&count);
  unsigned long mem = 0, vmem = 0;
  pid_t self = getpid();
  /* As the subreaper we are an ancestor of every process of the job, whatever it did to get away. A parent's number may be
   * larger than its child's, so mark until nothing new is found. */
  for (bool grew = true; grew;) {
    grew = false;
    for (size_t i = 0; i < count; i++) {
      if (all[i].ours || all[i].pid == self) continue;
      struct process *parent = bsearch(&(struct process){.pid = all[i].parent}, all, count, sizeof *all, by_pid);
      if (all[i].parent == self || (parent != NULL && parent->ours)) grew = all[i].ours = true;
    }
  }
  for (size_t i = 0; i < count; i++) {
    if (!all[i].ours) continue;
    mem += all[i].mem_kb;
    vmem += all[i].vmem_kb;
    if (session != 0 && all[i].session != session) continue;
    hit++;
    if (signal != 0) kill(all[i].pid, signal);
  }
  if (usage != NULL && mem > usage->mem_kb) usage->mem_kb = mem;
  if (usage != NULL && vmem > usage->vmem_kb) usage->vmem_kb = vmem;
  free(all);
  return hit;
}

static bool has_cookie(pid_t pid, const char *cookie) {
  static char environment[4 << 20];
  char wanted[128];
  int length = snprintf(wanted, sizeof wanted, "PBS_JOBCOOKIE=%s", cookie);
  size_t size = slurp(pid, "environ", environment, sizeof environment - 1);
  environment[size] = '\0';
  for (size_t at = 0; at < size; at += strlen(environment + at) + 1)
    if (strcmp(environment + at, wanted) == 0 && length < (int)sizeof wanted) return true;
  return false;
}

size_t kill_strangers(const struct job *job, pid_t session) {
  size_t count, hit = 0;
  struct process *all = read_all(&count);
  for (size_t i = 0; i < count; i++) {
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d", (int)all[i].pid);
    if (all[i].pid == getpid() || stat(path, &st) < 0) continue;
    /* A session's number may have been given to somebody else since, so it counts only together with the owner. */
    bool same_session = session != 0 && all[i].session == session && st.st_uid == job->uid;
    if (!same_session && !has_cookie(all[i].pid, job->cookie)) continue;
    hit++;
    kill(all[i].pid, SIGKILL);
  }
  free(all);
  return hit;
}
