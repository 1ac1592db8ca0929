#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shepherd.h"

static char *read_whole(const char *path, size_t *length) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) < 0) die("open", path);
  char *text = malloc((size_t)st.st_size + 1);
  if (text == NULL) die("allocate", path);
  *length = 0;
  ssize_t n;
  while (*length < (size_t)st.st_size && (n = read(fd, text + *length, (size_t)st.st_size - *length)) > 0)
    *length += (size_t)n;
  text[*length] = '\0';
  close(fd);
  return text;
}

static void set_stream(struct stream *stream, const char *key, const char *value) {
  if (strcmp(key, "spool") == 0) stream->spool = value;
  else if (strcmp(key, "to") == 0) stream->to = value;
  else if (strcmp(key, "name") == 0) stream->name = value;
  else if (strcmp(key, "suffix") == 0) stream->suffix = value;
}

static void set_hook(struct hook_facts *hooks, const char *key, const char *value) {
  if (strcmp(key, "env") == 0) {
    if (hooks->env_count == MAX_HOOK_ENV) die("use that many variables", value);
    hooks->env[hooks->env_count++] = value;
  } else if (strcmp(key, "dir") == 0) hooks->dir = value;
  else if (strcmp(key, "type") == 0) hooks->type = value;
  else if (strcmp(key, "own_prologue") == 0) hooks->own_prologue = value;
  else if (strcmp(key, "own_epilogue") == 0) hooks->own_epilogue = value;
  else if (strcmp(key, "home") == 0) hooks->home = value;
  else if (strcmp(key, "nodefile") == 0) hooks->nodefile = value;
  else if (strcmp(key, "id") == 0) hooks->id = value;
  else if (strcmp(key, "user") == 0) hooks->user = value;
  else if (strcmp(key, "group") == 0) hooks->group = value;
  else if (strcmp(key, "name") == 0) hooks->name = value;
  else if (strcmp(key, "resources") == 0) hooks->resources = value;
  else if (strcmp(key, "queue") == 0) hooks->queue = value;
  else if (strcmp(key, "account") == 0) hooks->account = value;
  else if (strcmp(key, "script") == 0) hooks->script = value;
  else if (strcmp(key, "sisters") == 0) hooks->sisters = (int)strtol(value, NULL, 10);
  else if (strcmp(key, "alarm_s") == 0) hooks->alarm_s = strtol(value, NULL, 10);
  else die("understand the hooks' key", key);
}

static void set(struct job *job, const char *key, const char *value) {
  if (strcmp(key, "uid") == 0) job->uid = (uid_t)strtoul(value, NULL, 10);
  else if (strcmp(key, "gid") == 0) job->gid = (gid_t)strtoul(value, NULL, 10);
  else if (strcmp(key, "group") == 0) {
    if (job->group_count == sizeof job->groups / sizeof *job->groups) die("use that many groups", value);
    job->groups[job->group_count++] = (gid_t)strtoul(value, NULL, 10);
  } else if (strcmp(key, "env") == 0) {
    /* One place stays NULL: it ends the array. */
    if (job->env_count + 1 == sizeof job->env / sizeof *job->env) die("use that many variables", value);
    job->env[job->env_count++] = value;
  } else if (strcmp(key, "shell") == 0) job->shell = value;
  else if (strcmp(key, "argv0") == 0) job->argv0 = value;
  else if (strcmp(key, "cwd") == 0) job->cwd = value;
  else if (strcmp(key, "input") == 0) job->input = value;
  else if (strcmp(key, "cookie") == 0) job->cookie = value;
  else if (strcmp(key, "terminal") == 0) job->terminal = value;
  else if (strcmp(key, "command") == 0) job->command = value;
  else if (strcmp(key, "tmpdir") == 0) job->tmpdir = value;
  else if (strcmp(key, "undelivered") == 0) job->undelivered = value;
  else if (strcmp(key, "output_mode") == 0) job->output_mode = (mode_t)strtoul(value, NULL, 8);
  else if (strcmp(key, "walltime_s") == 0) job->walltime_s = strtol(value, NULL, 10);
  else if (strcmp(key, "kill_delay_ms") == 0) job->kill_delay_ms = strtol(value, NULL, 10);
  else if (strcmp(key, "mem_kb") == 0) job->mem_kb = strtol(value, NULL, 10);
  else if (strncmp(key, "hook.", 5) == 0) set_hook(&job->hooks, key + 5, value);
  else if (strncmp(key, "out.", 4) == 0) set_stream(&job->streams[STREAM_OUT], key + 4, value);
  else if (strncmp(key, "err.", 4) == 0) set_stream(&job->streams[STREAM_ERR], key + 4, value);
  else die("understand the key", key);
}

void read_spec(const char *path, struct job *job) {
  size_t length, at = 0;
  char *text = read_whole(path, &length);
  while (at < length) {
    const char *key = text + at;
    at += strlen(key) + 1;
    if (at >= length) die("find the value of", key);
    const char *value = text + at;
    at += strlen(value) + 1;
    set(job, key, value);
  }
  if (!job->shell || !job->argv0 || !job->cwd || !job->input || !job->cookie || !job->tmpdir || !job->undelivered)
    die("find all keys in", path);
  const struct hook_facts *f = &job->hooks;
  if (!f->dir || !f->home || !f->nodefile || !f->id || !f->user || !f->group || !f->name || !f->resources || !f->queue || !f->account ||
      !f->script || f->alarm_s <= 0 || f->sisters < 0 || f->sisters > MAX_SISTERS)
    die("find all keys of the hooks in", path);
}
