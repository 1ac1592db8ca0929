/*
 * shepherd RUNDIR [finish|discard]
 *
 * Starts one job of the embedded batch system, described by RUNDIR/spec, and stays with it to its end: limits, signals,
 * the death of every process that came from it, delivery of the output, RUNDIR/result. The daemon that started it may die
 * and come back meanwhile. `finish` does only the end, for a job whose shepherds were killed; `discard` does it for one that
 * is to be run again, and throws away what it has written.
 *
 * Before and after the job, and when it is cancelled, the hooks run that are there (hooks.c).
 *
 * Descriptors: 3 is held open for as long as a shepherd lives (the daemon reads the other end: end of file means that
 * none lives any more); 4 brings orders, a line each: "signal N", "end MILLISECONDS", "rerun",
 * "walltime SECONDS"; 5 is the client of an interactive job.
 *
 * There are two processes. The inner one does the work. The outer one does nothing unless the inner one is killed: then
 * the processes of the job become the outer one's children, since both are subreapers, and it ends them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shepherd.h"

enum { GRACE_MS = 500, GIVE_UP_MS = 4000, FIRST_SAMPLE_MS = 200, SAMPLE_MS = 5000, SWEEP_MS = 10 };
/* Torque's codes of its node daemon: the job could not be run; it is to be run again; it was over its limits. */
enum { EXEC_FAILED = -2, RETRY = -3, OVER_MEM = -10, OVER_WALLTIME = -11, RETRY_PROLOGUE = -14 };
enum { NO_CODE = 1 << 20 };

int failure_fd = -1, die_code = 1, log_fd = 2;

long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void die(const char *what, const char *which) {
  dprintf(log_fd, "shepherd: cannot %s %s: %s\n", what, which, strerror(errno));
  if (failure_fd >= 0 && write(failure_fd, "!", 1) < 0) _exit(2);
  _exit(die_code);
}

static void say(const struct job *job, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  append_message(job, text);
}

/* ---- the watch ---- */

enum phase { PREPARING, RUNNING, LINGERING, ENDING, KILLING, CLEANING };

struct watch {
  const struct job *job;
  pid_t top;
  enum phase phase;
  bool top_ended, with_client;
  int signals_fd;
  int top_status, code;        /* code: why the shepherd ended it, or NO_CODE */
  bool cancelled;              /* while it was PREPARING */
  bool rerun;                  /* what it has written is thrown away */
  pid_t precancel;             /* the chain that runs, 0: not yet, -1: it has run */
  long cancel_ms;              /* how long the job has when that has ended */
  long walltime_s;             /* 0: no limit */
  unsigned long long signals;  /* those that were sent by order */
  long long started, next_sample, deadline; /* deadline: of the phase ENDING or KILLING, or of a cancelled preparation */
  struct usage usage;
};

static void begin_end(struct watch *w, long ms) {
  long long deadline = now_ms() + ms;
  if (w->phase >= ENDING) { /* A second qdel may only shorten the wait. */
    if (w->phase == ENDING && deadline < w->deadline) w->deadline = deadline;
    return;
  }
  w->phase = ENDING;
  w->deadline = deadline;
  signal_descendants(SIGTERM, 0, &w->usage);
  signal_descendants(SIGCONT, 0, NULL); /* A stopped process would not see it before it is killed. */
}

/* End the job before its time. The hook for that comes first, once, and the job has its time after it. */
static void cancel(struct watch *w, long ms) {
  if (w->precancel == 0 && has_hooks(w->job, PRECANCEL)) {
    w->cancel_ms = ms;
    w->cancelled = w->cancelled || w->phase == PREPARING;
    if ((w->precancel = start_chain(w->job, PRECANCEL, 0)) < 0) die("fork", "a hook");
    return;
  }
  if (w->phase == PREPARING) {
    long long deadline = now_ms() + ms;
    if (!w->cancelled || w->precancel != 0 || deadline < w->deadline) w->deadline = deadline;
    w->cancelled = true;
  } else if (w->phase != CLEANING) {
    begin_end(w, ms);
  }
}

static void precancel_ended(struct watch *w) {
  w->precancel = -1;
  if (w->phase == PREPARING) w->deadline = now_ms() + w->cancel_ms;
  else if (w->phase != CLEANING) begin_end(w, w->cancel_ms);
}

static void obey(struct watch *w, const char *order) {
  long number;
  if (sscanf(order, "signal %ld", &number) == 1 && number >= 0 && number < NSIG) {
    if (w->top == 0) return;
    if (number > 0 && number < 64) w->signals |= 1ULL << number;
    signal_descendants((int)number, w->top, NULL);
  } else if (sscanf(order, "end %ld", &number) == 1 && number >= 0) {
    cancel(w, number);
  } else if (sscanf(order, "walltime %ld", &number) == 1) {
    w->walltime_s = number;
  } else if (strcmp(order, "rerun") == 0 && w->phase != CLEANING) {
    w->rerun = true;
    if (w->phase == PREPARING) w->cancelled = true, w->deadline = now_ms();
    else begin_end(w, 0);
  }
}

static void read_orders(struct watch *w) {
  char text[4096];
  ssize_t n = read(ORDERS_FD, text, sizeof text - 1);
  if (n <= 0) return;
  text[n] = '\0';
  for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) obey(w, line);
}

/* False when no process of the job is left. */
static bool reap(struct watch *w) {
  for (;;) {
    int status;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0 && errno != EINTR) return false;
    if (pid > 0 && pid == w->precancel) precancel_ended(w);
    if (pid == w->top) w->top_ended = true, w->top_status = status;
  }
}

static void check_walltime(struct watch *w) {
  long long seconds = (now_ms() - w->started) / 1000;
  if (w->code != NO_CODE || w->walltime_s <= 0 || seconds < w->walltime_s) return;
  say(w->job, "=>> PBS: job killed: walltime %lld exceeded limit %ld\n", seconds, w->walltime_s);
  w->code = OVER_WALLTIME;
  cancel(w, w->job->kill_delay_ms);
}

static void sample(struct watch *w) {
  struct usage present = {0, 0};
  signal_descendants(0, 0, &present);
  if (present.mem_kb > w->usage.mem_kb) w->usage.mem_kb = present.mem_kb;
  if (present.vmem_kb > w->usage.vmem_kb) w->usage.vmem_kb = present.vmem_kb;
  w->next_sample = now_ms() + SAMPLE_MS;
  if (w->code != NO_CODE || w->job->mem_kb <= 0 || present.mem_kb <= (unsigned long)w->job->mem_kb) return;
  say(w->job, "=>> PBS: job killed: mem %lukb exceeded limit %ldkb\n", present.mem_kb, w->job->mem_kb);
  w->code = OVER_MEM;
  cancel(w, w->job->kill_delay_ms);
}

/* What is due now; returns how long nothing else is due. */
static int advance(struct watch *w) {
  if (w->phase == RUNNING && w->top_ended) {
    /* A signal that the user sent may end the shell alone: what it was meant for, his program, gets its time. */
    bool by_order = WIFSIGNALED(w->top_status) && (w->signals >> WTERMSIG(w->top_status) & 1) && WTERMSIG(w->top_status) != SIGKILL;
    if (by_order) w->phase = LINGERING;
    else begin_end(w, GRACE_MS);
  }
  if (w->phase == LINGERING && signal_descendants(0, w->top, NULL) == 0) begin_end(w, GRACE_MS);
  if (w->phase <= LINGERING) check_walltime(w);
  if (w->phase <= LINGERING && now_ms() >= w->next_sample) sample(w);
  long long now = now_ms();
  if (w->phase == ENDING && now >= w->deadline) w->phase = KILLING, w->deadline = now + GIVE_UP_MS;
  if (w->phase == KILLING) {
    signal_descendants(SIGKILL, 0, NULL);
    return SWEEP_MS;
  }
  if (w->phase == ENDING) return (int)(w->deadline - now);
  long long due = w->next_sample, out_of_time = w->started + w->walltime_s * 1000LL;
  if (w->code == NO_CODE && w->walltime_s > 0 && out_of_time < due) due = out_of_time;
  if (w->phase == LINGERING && now + 1000 < due) due = now + 1000;
  return due <= now ? 1 : (int)(due - now);
}

/* Wait for something to happen, at most so long, and see to it. */
static void see_to_events(struct watch *w, int wait) {
  struct pollfd fds[4] = {{w->signals_fd, POLLIN, 0}, {ORDERS_FD, POLLIN, 0}};
  if (w->with_client) poll_terminal(fds + 2);
  if (poll(fds, w->with_client ? 4 : 2, wait) < 0 && errno != EINTR) die("wait for", "the job");
  struct signalfd_siginfo info;
  while (read(w->signals_fd, &info, sizeof info) > 0) continue;
  if (fds[1].revents & POLLIN) read_orders(w);
  if (w->with_client && !move_terminal(fds + 2)) {
    w->with_client = false;
    cancel(w, w->job->kill_delay_ms);
  }
}

static int worse(int code, pid_t pid, int status, const pid_t *chains, int count, int *left) {
  for (int i = 0; i < count; i++) {
    if (pid != chains[i]) continue;
    (*left)--;
    int own = WIFEXITED(status) ? WEXITSTATUS(status) : 2;
    if (own > code) return own;
  }
  return code;
}

/* Orders are obeyed meanwhile: when the job is cancelled, what prepares it has its time and is killed then. */
static int wait_and_obey(void *context, const pid_t *chains, int count) {
  struct watch *w = context;
  int left = count, code = 0;
  for (;;) {
    int status = 0;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (pid == w->precancel) precancel_ended(w);
      code = worse(code, pid, status, chains, count, &left);
    }
    if (left == 0 && w->precancel <= 0) return code;
    bool has_deadline = w->phase == PREPARING && w->cancelled && w->precancel <= 0;
    long long ms = has_deadline ? w->deadline - now_ms() : -1;
    if (has_deadline && ms <= 0) signal_descendants(SIGKILL, 0, NULL), ms = SWEEP_MS;
    see_to_events(w, (int)ms);
  }
}

static int just_wait(void *context, const pid_t *chains, int count) {
  (void)context;
  int left = count, code = 0, status = 0;
  for (pid_t pid; left > 0;) {
    if ((pid = waitpid(-1, &status, 0)) < 0 && errno != EINTR) break;
    if (pid > 0) code = worse(code, pid, status, chains, count, &left);
  }
  return code;
}

static void kill_all(void) {
  for (long long deadline = now_ms() + GIVE_UP_MS;;) {
    signal_descendants(SIGKILL, 0, NULL);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (waitpid(-1, NULL, WNOHANG) < 0 || now_ms() > deadline) break;
    poll(NULL, 0, SWEEP_MS);
  }
}

/* The hooks before the job. False: there will be none, and `end` says why. */
static bool prepare(struct watch *w, struct ending *end) {
  append_record("begun", "");
  bool by_sister;
  int code = run_prologues(w->job, wait_and_obey, w, &by_sister);
  if (code == 0 && !w->cancelled) return true;
  kill_all();
  if (w->cancelled) {
    end->status = 256 + SIGTERM;
  } else {
    end->discard = true;
    end->no_sisters = by_sister;
    end->status = w->job->terminal != NULL || (code == 1 && !by_sister) ? EXEC_FAILED : by_sister ? RETRY : RETRY_PROLOGUE;
  }
  return false;
}

static void run(struct watch *w, int terminal, int fds[STREAMS], struct ending *end) {
  int failed;
  w->phase = RUNNING;
  w->top = start_top(w->job, terminal, fds, &failed);
  w->started = now_ms();
  w->next_sample = w->started + FIRST_SAMPLE_MS; /* Short jobs have a memory size too. */
  write_record("started", "session %d\nborn %llu\n", (int)w->top, birth_of(w->top));
  if (write(ALIVE_FD, "started\n", 8) < 0) errno = 0; /* Nobody may be listening just now: the daemon restarts. */
  while (reap(w)) {
    int wait = advance(w);
    if (w->phase == KILLING && now_ms() > w->deadline) {
      fprintf(stderr, "shepherd: processes of the job do not die\n");
      break;
    }
    see_to_events(w, wait);
  }
  char byte;
  end->wall_s = (long)((now_ms() - w->started) / 1000);
  end->status = read(failed, &byte, 1) == 1 ? EXEC_FAILED : w->code;
  if (end->status == NO_CODE) end->status = WIFSIGNALED(w->top_status) ? 256 + WTERMSIG(w->top_status) : WEXITSTATUS(w->top_status);
}

static int shepherd(const struct job *job) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  struct watch w = {.job = job, .code = NO_CODE, .walltime_s = job->walltime_s};
  if ((w.signals_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)) < 0) die("watch", "the job");
  int fds[STREAMS], terminal = job->terminal == NULL ? -1 : open_terminal(job);
  open_outputs(job, fds);
  w.with_client = terminal >= 0;
  if (w.with_client) tell_client_ready();
  hook_terminal_fd = terminal;
  struct ending end = {0};
  bool hooks = has_any_hooks(job);
  if (!hooks || prepare(&w, &end)) run(&w, terminal, fds, &end);
  else if (terminal >= 0) close(terminal);
  if (w.with_client) part_from_client(); /* before the epilogues, as in Torque */
  if (w.rerun) end.status = RETRY, end.discard = true;
  end.usage = w.usage;
  hook_terminal_fd = -1;
  w.phase = CLEANING;
  w.with_client = false;
  record_end(&end);
  if (hooks) run_epilogues(job, wait_and_obey, &w);
  bring_home(job);
  return 0;
}

/* ---- two processes ---- */

/* The end of a job whose shepherd is gone. */
static void bring_home_lost(const struct job *job) {
  if (has_record("result")) return;
  if (!has_record("ended")) {
    say(job, "=>> PBS: job killed: its shepherd process ended unexpectedly\n");
    record_end(&(struct ending){.status = EXEC_FAILED});
  }
  if (has_record("begun")) run_epilogues(job, just_wait, NULL);
  bring_home(job);
}

/* The inner shepherd was killed, or could not go on: its job's processes are our children now. */
static void take_over(const struct job *job) {
  kill_all();
  bring_home_lost(job);
}

/* Both shepherds were killed, and the daemon asks for what is left to be done. */
static void finish_lost(const struct job *job, bool discard) {
  unsigned long long born = 0;
  pid_t session = read_session(&born);
  /* A number is not given away while a process of the session lives; if its bearer is another one, none does. */
  unsigned long long now_born = session > 0 ? birth_of(session) : 0;
  if (now_born != 0 && now_born != born) session = 0;
  if (!has_record("ended")) /* else all were gone, and the numbers may be from before a reboot */
    for (long long deadline = now_ms() + GIVE_UP_MS; kill_strangers(job, session) > 0 && now_ms() < deadline;)
      poll(NULL, 0, SWEEP_MS);
  if (discard) record_end(&(struct ending){.status = RETRY, .discard = true});
  bring_home_lost(job);
}

int main(int argc, char **argv) {
  static struct job job;
  if (argc < 2 || argc > 3) return 2;
  run_dir = argv[1];
  setsid();
  umask(077);
  if (chdir("/") < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) die("become", "a subreaper");
  for (int fd = ALIVE_FD; fd <= TERMINAL_FD; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  close_range(TERMINAL_FD + 1, ~0U, 0);
  /* Only KILL ends a shepherd: at a shutdown of the machine all get TERM, and it is needed after that. */
  for (int signal = SIGHUP; signal <= SIGTERM; signal++)
    if (signal == SIGHUP || signal == SIGINT || signal == SIGPIPE || signal == SIGTERM)
      sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
  char path[4096];
  snprintf(path, sizeof path, "%s/spec", run_dir);
  read_spec(path, &job);
  if (argc == 3) {
    finish_lost(&job, strcmp(argv[2], "discard") == 0);
    return 0;
  }
  pid_t inner = fork();
  if (inner < 0) die("fork", "the inner shepherd");
  if (inner == 0) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return shepherd(&job);
  }
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, 0)) != inner;)
    if (pid < 0 && errno != EINTR) die("wait for", "the inner shepherd");
  if (status != 0) take_over(&job);
  return 0;
}
