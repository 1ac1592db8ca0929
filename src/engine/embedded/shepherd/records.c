/* What stands in the run directory: how far the job has come, for whoever has to go on from there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shepherd.h"

const char *run_dir;

static void path_of(char *path, size_t size, const char *name) {
  snprintf(path, size, "%s/%s", run_dir, name);
}

/* A file of the run directory, whole or not there at all. */
void write_record(const char *name, const char *format, ...) {
  char path[4096], temporary[4096 + 8];
  path_of(path, sizeof path, name);
  snprintf(temporary, sizeof temporary, "%s.new", path);
  FILE *file = fopen(temporary, "we");
  if (file == NULL) die("write", temporary);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(file, format, arguments);
  va_end(arguments);
  if (fflush(file) != 0 || fsync(fileno(file)) < 0 || fclose(file) != 0 || rename(temporary, path) < 0) die("write", path);
}

void append_record(const char *name, const char *line) {
  char path[4096];
  path_of(path, sizeof path, name);
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line)) die("write", path);
  close(fd);
}

bool has_record(const char *name) {
  char path[4096];
  path_of(path, sizeof path, name);
  return access(path, F_OK) == 0;
}

bool has_line(const char *name, const char *wanted) {
  char path[4096], line[512];
  path_of(path, sizeof path, name);
  FILE *file = fopen(path, "re");
  bool found = false;
  while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) found = strcmp(line, wanted) == 0;
  if (file != NULL) fclose(file);
  return found;
}

/* The truth about the job is kept before anything is done with its output. */
void record_end(const struct ending *end) {
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  long long cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000LL + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  unsigned long mem_kb = end->usage.mem_kb > (unsigned long)used.ru_maxrss ? end->usage.mem_kb : (unsigned long)used.ru_maxrss;
  write_record("ended", "status %d\ncpu_ms %lld\nmem_kb %lu\nvmem_kb %lu\nwall_s %ld\ndiscard %d\nno_sisters %d\n", end->status, cpu_ms,
               mem_kb, end->usage.vmem_kb, end->wall_s, end->discard, end->no_sisters);
}

struct ending read_end(void) {
  char path[4096];
  path_of(path, sizeof path, "ended");
  struct ending end = {0};
  int discard = 0, no_sisters = 0;
  FILE *file = fopen(path, "re");
  if (file == NULL) return end;
  if (fscanf(file, "status %d cpu_ms %lld mem_kb %lu vmem_kb %lu wall_s %ld discard %d no_sisters %d", &end.status, &end.cpu_ms,
             &end.usage.mem_kb, &end.usage.vmem_kb, &end.wall_s, &discard, &no_sisters) < 4)
    fprintf(stderr, "shepherd: %s is not whole\n", path);
  fclose(file);
  end.discard = discard != 0;
  end.no_sisters = no_sisters != 0;
  return end;
}

/* The session that the job had, 0 for none; `born` may be NULL. */
pid_t read_session(unsigned long long *born) {
  char path[4096];
  int session = 0;
  unsigned long long birth = 0;
  path_of(path, sizeof path, "started");
  FILE *file = fopen(path, "re");
  if (file != NULL) {
    if (fscanf(file, "session %d born %llu", &session, &birth) != 2) session = 0;
    fclose(file);
  }
  if (born != NULL) *born = birth;
  return session;
}

static void drop_outputs(const struct job *job) {
  for (int i = 0; i < STREAMS; i++)
    if (job->streams[i].spool != NULL) unlink(job->streams[i].spool);
}

void bring_home(const struct job *job) {
  if (read_end().discard) drop_outputs(job);
  else deliver_outputs(job);
  remove_tmpdir(job);
  char ended[4096], result[4096];
  path_of(ended, sizeof ended, "ended");
  path_of(result, sizeof result, "result");
  if (rename(ended, result) < 0) die("write", result);
}
