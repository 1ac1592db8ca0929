/*
 * pin PID OTHERS [TID=CPUS]...: bind the threads of process PID to CPUs: each TID to its own, all others to OTHERS. CPUS and
 * OTHERS are lists as the kernel writes them, 0-3,8. Threads that come later have the CPUs of the one that started them.
 * Exit code 1 with a reason on standard error when a thread could not be bound, or is not one of PID.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CPUS = 8192, ROUNDS = 100 };

static size_t set_size;

static int fail(const char *what, const char *word, const char *why) {
  fprintf(stderr, "Cannot %s \"%s\": %s\n", what, word, why);
  return 1;
}

static cpu_set_t *read_list(const char *text) {
  cpu_set_t *set = CPU_ALLOC(MAX_CPUS);
  if (set == NULL) return NULL;
  CPU_ZERO_S(set_size, set);
  const char *at = text;
  do {
    char *end;
    if (!isdigit((unsigned char)*at)) return NULL;
    unsigned long first = strtoul(at, &end, 10), last = first;
    if (*end == '-') {
      if (!isdigit((unsigned char)end[1])) return NULL;
      last = strtoul(end + 1, &end, 10);
    }
    if (last < first || last >= MAX_CPUS) return NULL;
    for (unsigned long cpu = first; cpu <= last; cpu++) CPU_SET_S(cpu, set_size, set);
    at = end;
  } while (*at++ == ',');
  return at[-1] == '\0' ? set : NULL;
}

/* The number behind a thread's word; 0 when that is none. */
static long thread_of(const char *word) {
  char *end;
  long tid = isdigit((unsigned char)*word) ? strtol(word, &end, 10) : 0;
  return tid > 0 && *end == '=' ? tid : 0;
}

/* 0 when the thread may run on these CPUs and no others; 1 with a reason on standard error; -1 when there is no such thread any more. */
static int bind_thread(pid_t tid, const cpu_set_t *cpus) {
  char name[24];
  snprintf(name, sizeof name, "%ld", (long)tid);
  cpu_set_t *now = CPU_ALLOC(MAX_CPUS);
  if (now == NULL) return fail("bind thread", name, strerror(errno));
  int result = 0;
  if (sched_setaffinity(tid, set_size, cpus) < 0 || sched_getaffinity(tid, set_size, now) < 0) {
    result = errno == ESRCH ? -1 : fail("bind thread", name, strerror(errno));
  } else if (!CPU_EQUAL_S(set_size, now, cpus)) {
    /* The kernel takes those that the cgroup allows, and says nothing of the others. */
    result = fail("bind thread", name, "it may not use all of these CPUs");
  }
  CPU_FREE(now);
  return result;
}

/* Bind all threads that no word names, until no new ones come. Returns how many there were that other CPUs had, or -1. */
static int bind_others(const char *pid, const cpu_set_t *cpus, int count, char **words) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/task", pid);
  DIR *threads = opendir(path);
  cpu_set_t *now = CPU_ALLOC(MAX_CPUS);
  if (threads == NULL || now == NULL) return fail("read the threads of process", pid, strerror(errno)), -1;
  int changed = 0;
  for (struct dirent *each; changed >= 0 && (each = readdir(threads)) != NULL;) {
    pid_t tid = (pid_t)atol(each->d_name);
    int named = tid <= 0;
    for (int i = 0; i < count && !named; i++) named = thread_of(words[i]) == tid;
    if (named || sched_getaffinity(tid, set_size, now) < 0 || CPU_EQUAL_S(set_size, now, cpus)) continue;
    changed = bind_thread(tid, cpus) > 0 ? -1 : changed + 1;
  }
  closedir(threads);
  CPU_FREE(now);
  return changed;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  set_size = CPU_ALLOC_SIZE(MAX_CPUS);
  char **words = argv + 3;
  int count = argc - 3;
  for (int i = 0; i < count; i++) {
    char *list = strchr(words[i], '=');
    cpu_set_t *cpus = list == NULL ? NULL : read_list(list + 1);
    if (cpus == NULL || thread_of(words[i]) == 0) return fail("read", words[i], "wanted is TID=CPUS");
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/task/%ld", argv[1], thread_of(words[i]));
    int bound = access(path, F_OK) == 0 ? bind_thread((pid_t)thread_of(words[i]), cpus) : -1;
    if (bound < 0) return fail("bind thread", words[i], "it is none of the process");
    if (bound > 0) return 1;
    CPU_FREE(cpus);
  }
  cpu_set_t *others = read_list(argv[2]);
  if (others == NULL) return fail("read", argv[2], "wanted is a list of CPUs");
  for (int round = 0, changed = 1; changed != 0; round++) {
    if (round == ROUNDS) return fail("bind the threads of process", argv[1], "it starts new ones all the time");
    changed = bind_others(argv[1], others, count, words);
    if (changed < 0) return 1;
  }
  return 0;
}
