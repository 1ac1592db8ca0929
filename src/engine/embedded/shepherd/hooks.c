/*
 * The site's and the user's own scripts around a job, in Torque's order and with its arguments, environment and streams
 * (Torque 6.1, observed). All nodes are this machine, so the sisters' hooks are run here, too.
 *
 * The hooks of one node that follow each other are a chain: a process of its own that runs them one by one, each with its
 * time. What has been run stands in the run directory, so that nothing is run twice when somebody else goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shepherd.h"

enum { CANNOT_RUN = 254 };

int hook_terminal_fd = -1;

enum output { TO_SPOOL, TO_NOTHING, CLOSED };

struct hook {
  const char *name; /* NULL: the script that the user named with -l */
  bool as_user;
};

static const struct chain_kind {
  struct hook hooks[3];
  int count;
  bool is_prologue, has_groups, has_nodefile;
  enum output output;
  mode_t mask;
} kinds[] = {
    [PROLOGUE_PARALLEL] = {{{"prologue.parallel", false}, {"prologue.user.parallel", true}}, 2, true, false, false, TO_NOTHING, 022},
    [PROLOGUE] = {{{"prologue", false}, {"prologue.user", true}, {NULL, true}}, 3, true, true, true, TO_SPOOL, 077},
    [PRECANCEL] = {{{"epilogue.precancel", true}}, 1, false, true, true, TO_NOTHING, 022},
    [EPILOGUE_PARALLEL] = {{{"epilogue.user.parallel", true}, {"epilogue.parallel", false}}, 2, false, true, false, CLOSED, 022},
    [EPILOGUE] = {{{NULL, true}, {"epilogue.user", true}, {"epilogue", false}}, 3, false, true, true, TO_SPOOL, 022},
};

/* Where the hook is; false: there is none. With qsub -T NAME the file with that ending is preferred. */
static bool find_hook(const struct job *job, const struct chain_kind *kind, const struct hook *hook, char *path, size_t size) {
  if (hook->name == NULL) {
    const char *own = kind->is_prologue ? job->hooks.own_prologue : job->hooks.own_epilogue;
    if (own != NULL) snprintf(path, size, "%s", own);
    return own != NULL;
  }
  if (job->hooks.dir == NULL) return false;
  if (job->hooks.type != NULL) {
    snprintf(path, size, "%s/%s.%s", job->hooks.dir, hook->name, job->hooks.type);
    if (access(path, F_OK) == 0) return true;
  }
  snprintf(path, size, "%s/%s", job->hooks.dir, hook->name);
  return access(path, F_OK) == 0;
}

bool has_hooks(const struct job *job, enum chain chain) {
  char path[8192];
  for (int i = 0; i < kinds[chain].count; i++)
    if (find_hook(job, &kinds[chain], &kinds[chain].hooks[i], path, sizeof path)) return true;
  return false;
}

bool has_any_hooks(const struct job *job) {
  for (enum chain chain = 0; chain < CHAINS; chain++)
    if (has_hooks(job, chain)) return true;
  return false;
}

/* As the process that runs it: so a path of the user is looked at with his own rights. */
static void check_file(const struct job *job, const struct hook *hook, const char *path, uid_t server) {
  struct stat st;
  if (stat(path, &st) < 0) {
    if (errno == ENOENT) _exit(0);
    die("look at the hook", path);
  }
  bool owner = hook->name == NULL ? st.st_uid == job->uid : st.st_uid == 0 || st.st_uid == server;
  bool others = !hook->as_user || hook->name == NULL || (st.st_mode & 05) == 05;
  errno = EACCES;
  if (!S_ISREG(st.st_mode) || !owner || (st.st_mode & 0500) != 0500 || (st.st_mode & 022) != 0 || !others) die("trust the hook", path);
}

static int open_output(const struct job *job, int stream) {
  if (hook_terminal_fd >= 0) return dup(hook_terminal_fd);
  const struct stream *own = &job->streams[stream], *other = &job->streams[STREAMS - 1 - stream];
  const char *spool = own->to != NULL ? own->spool : other->spool;
  int fd = spool == NULL ? -1 : open(spool, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
  /* qsub -k: a file in the user's home is not for root to open. */
  return fd >= 0 ? fd : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static void set_streams(const struct job *job, enum output output) {
  int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), fds[STREAMS];
  if (nothing < 0) die("open", "/dev/null");
  for (int i = 0; i < STREAMS; i++) fds[i] = output == TO_SPOOL ? open_output(job, i) : nothing;
  if (dup2(nothing, 0) < 0 || dup2(fds[STREAM_OUT], 1) < 0 || dup2(fds[STREAM_ERR], 2) < 0) die("connect", "a hook");
}

static void become(const struct job *job, const struct hook *hook, bool has_groups) {
  if (hook->as_user) {
    become_user(job);
    if (chdir(job->hooks.home) < 0 && chdir("/") < 0) die("change to the directory", job->hooks.home);
    return;
  }
  if (geteuid() == 0) {
    gid_t own = 0;
    if (setgroups(has_groups ? job->group_count : 1, has_groups ? job->groups : &own) < 0) die("set the groups of", "a hook");
    if (setresgid(0, 0, 0) < 0) die("become", "root's group");
  }
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) die("bind", "to the shepherd's life");
  if (chdir(job->hooks.dir) < 0) die("change to the directory", job->hooks.dir);
}

static void exec_hook(const struct job *job, const struct chain_kind *kind, const struct hook *hook, const char *path, int node) {
  uid_t server = geteuid();
  die_code = CANNOT_RUN;
  setsid();
  for (int signal = 1; signal < NSIG; signal++)
    sigaction(signal, &(struct sigaction){.sa_handler = signal == SIGQUIT || signal == SIGPIPE ? SIG_IGN : SIG_DFL}, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  struct ending end = read_end();
  static char session[16], used[256], status[16], number[32], nodefile[4200];
  long cput = (long)(end.cpu_ms / 1000);
  snprintf(session, sizeof session, "%d", node == 0 ? (int)read_session(NULL) : 0);
  snprintf(status, sizeof status, "%d", node == 0 ? end.status : 0);
  snprintf(used, sizeof used, "cput=%02ld:%02ld:%02ld,vmem=%lukb,walltime=%02ld:%02ld:%02ld,mem=%lukb,energy_used=0", cput / 3600, cput / 60 % 60,
           cput % 60, end.usage.vmem_kb, end.wall_s / 3600, end.wall_s / 60 % 60, end.wall_s % 60, end.usage.mem_kb);
  const struct hook_facts *f = &job->hooks;
  const char *before[] = {path, f->id, f->user, f->group, f->name, f->resources, f->queue, f->account, f->script, NULL};
  const char *after[] = {path, f->id, f->user, f->group, f->name, session, f->resources, used, f->queue, f->account, status, f->script, NULL};
  const char *env[MAX_HOOK_ENV + 3];
  size_t count = 0;
  for (size_t i = 0; i < f->env_count; i++) env[count++] = f->env[i];
  snprintf(number, sizeof number, "PBS_NODENUM=%d", node);
  snprintf(nodefile, sizeof nodefile, "PBS_NODEFILE=%s", f->nodefile);
  env[count++] = number;
  if (kind->has_nodefile) env[count++] = nodefile;
  env[count] = NULL;
  if ((log_fd = fcntl(2, F_DUPFD_CLOEXEC, 3)) < 0) die("keep", "the log");
  set_streams(job, kind->output); /* with our rights: what follows has the hook's */
  become(job, hook, kind->has_groups);
  check_file(job, hook, path, server);
  umask(kind->mask);
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (kind->output == CLOSED) close(1), close(2);
  execve(path, (char **)(kind->is_prologue ? before : after), (char **)env);
  _exit(CANNOT_RUN);
}

static long limit_ms(const struct job *job) {
  long s = job->hooks.alarm_s;
  return (s > 10 ? s - 10 : s) * 1000;
}

/* Wait for the hook; when its time is over, all processes of its session are killed. Returns its exit code. */
static int wait_for_hook(const struct job *job, pid_t hook) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  long long deadline = now_ms() + limit_ms(job);
  for (int status;;) {
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid == hook) return WIFEXITED(status) ? WEXITSTATUS(status) : CANNOT_RUN;
    if (pid > 0) continue;
    if (pid < 0 && errno != EINTR) return CANNOT_RUN;
    long long left = deadline - now_ms();
    if (left <= 0) {
      signal_descendants(SIGKILL, hook, NULL);
      left = 100;
    }
    sigtimedwait(&child, NULL, &(struct timespec){left / 1000, left % 1000 * 1000000});
  }
}

/* Returns 0, 1 for a hook that ended with 1, 2 for any other failure. */
static int run_hook(const struct job *job, const struct chain_kind *kind, const struct hook *hook, int node) {
  char path[8192], line[128];
  const char *own = kind->is_prologue ? "own prologue" : "own epilogue", *name = hook->name == NULL ? own : hook->name;
  if (!find_hook(job, kind, hook, path, sizeof path)) return 0;
  snprintf(line, sizeof line, "%d %s\n", node, name);
  if (has_line("hooks", line)) return 0;
  pid_t chain = getpid(), pid = fork();
  if (pid < 0) die("fork", "a hook");
  if (pid == 0) {
    if (getppid() != chain) _exit(CANNOT_RUN);
    exec_hook(job, kind, hook, path, node);
  }
  int code = wait_for_hook(job, pid);
  append_record("hooks", line);
  if (code == 0) return 0;
  fprintf(stderr, "shepherd: %s: hook %s on node %d ended with %d\n", job->hooks.id, name, node, code);
  append_record("failed_hooks", line);
  return code == 1 ? 1 : 2;
}

pid_t start_chain(const struct job *job, enum chain chain, int node) {
  const struct chain_kind *kind = &kinds[chain];
  pid_t shepherd = getpid(), pid = fork();
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* So the processes of a hook are found when its time is over. */
  if (getppid() != shepherd) _exit(2);
  die_code = 2;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int worst = 0;
  for (int i = 0; i < kind->count; i++) {
    int code = run_hook(job, kind, &kind->hooks[i], node);
    if (code > worst) worst = code;
    if (code != 0 && kind->is_prologue) break;
  }
  _exit(worst);
}

int run_prologues(const struct job *job, wait_for_chains *wait, void *context, bool *by_sister) {
  *by_sister = false;
  pid_t chains[MAX_SISTERS];
  int count = has_hooks(job, PROLOGUE_PARALLEL) ? job->hooks.sisters : 0;
  for (int i = 0; i < count; i++) chains[i] = start_chain(job, PROLOGUE_PARALLEL, i + 1);
  int code = count > 0 ? wait(context, chains, count) : 0;
  if (code != 0) *by_sister = true;
  if (code != 0 || !has_hooks(job, PROLOGUE)) return code;
  chains[0] = start_chain(job, PROLOGUE, 0);
  return wait(context, chains, 1);
}

void run_epilogues(const struct job *job, wait_for_chains *wait, void *context) {
  pid_t chains[MAX_SISTERS];
  int count = !read_end().no_sisters && has_hooks(job, EPILOGUE_PARALLEL) ? job->hooks.sisters : 0;
  for (int i = 0; i < count; i++) chains[i] = start_chain(job, EPILOGUE_PARALLEL, i + 1);
  if (count > 0) wait(context, chains, count);
  if (!has_hooks(job, EPILOGUE)) return;
  chains[0] = start_chain(job, EPILOGUE, 0);
  wait(context, chains, 1);
}
