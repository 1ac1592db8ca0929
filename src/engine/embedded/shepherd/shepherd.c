/*
 * shepherd RUNDIR [finish|discard]
 *
 * Starts one job of the embedded batch system, described by RUNDIR/spec, and stays with it to its end: limits, signals,
 * the death of every process that came from it, delivery of the output, RUNDIR/result. The daemon that started it may die
 * and come back meanwhile. `finish` does only the end, for a job whose shepherds were killed; `discard` does it for one that
 * is to be run again, and throws away what it has written.
 *
 * Descriptors: 3 is held open for as long as a shepherd lives (the daemon reads the other end: end of file means that
 * none lives any more); 4 brings orders, a line each: "signal N", "end MILLISECONDS",
 * "rerun", "walltime SECONDS"; 5 is the client of an interactive job.
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
enum { EXEC_FAILED = -2, RETRY = -3, OVER_MEM = -10, OVER_WALLTIME = -11 };
enum { NO_CODE = 1 << 20 };

static const char *run_dir;
static int failure_fd = -1; /* Where a child that could not become the job says so, since its exit code could be a script's. */

long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void die(const char *what, const char *which) {
  dprintf(2, "shepherd: cannot %s %s: %s\n", what, which, strerror(errno));
  if (failure_fd >= 0 && write(failure_fd, "!", 1) < 0) _exit(2);
  _exit(1);
}

/* A file of the run directory, whole or not there at all. */
static void write_record(const char *name, const char *format, ...) {
  char path[4096], temporary[4096];
  snprintf(path, sizeof path, "%s/%s", run_dir, name);
  snprintf(temporary, sizeof temporary, "%s/%s.new", run_dir, name);
  FILE *file = fopen(temporary, "we");
  if (file == NULL) die("write", temporary);
  va_list arguments;
  va_start(arguments, format);
  vfprintf(file, format, arguments);
  va_end(arguments);
  if (fflush(file) != 0 || fsync(fileno(file)) < 0 || fclose(file) != 0 || rename(temporary, path) < 0) die("write", path);
}

static void say(const struct job *job, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  append_message(job, text);
}

/* The truth about the job is kept before anything is done with its output: whoever has to go on from here finds it. */
static void record_end(int status, const struct usage *usage) {
  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  long long cpu_ms = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000LL + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  unsigned long mem_kb = usage->mem_kb > (unsigned long)used.ru_maxrss ? usage->mem_kb : (unsigned long)used.ru_maxrss;
  write_record("ended", "status %d\ncpu_ms %lld\nmem_kb %lu\nvmem_kb %lu\n", status, cpu_ms, mem_kb, usage->vmem_kb);
}

static void bring_home(const struct job *job) {
  deliver_outputs(job);
  remove_tmpdir(job);
  char ended[4096], result[4096];
  snprintf(ended, sizeof ended, "%s/ended", run_dir);
  snprintf(result, sizeof result, "%s/result", run_dir);
  if (rename(ended, result) < 0) die("write", result);
}

static void drop_outputs(const struct job *job) {
  for (int i = 0; i < STREAMS; i++)
    if (job->streams[i].spool != NULL) unlink(job->streams[i].spool);
}

static bool has_record(const char *name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", run_dir, name);
  return access(path, F_OK) == 0;
}

/* The end of a job whose shepherd is gone. */
static void bring_home_lost(const struct job *job) {
  if (has_record("result")) return;
  if (!has_record("ended")) {
    say(job, "=>> PBS: job killed: its shepherd process ended unexpectedly\n");
    record_end(EXEC_FAILED, &(struct usage){0, 0});
  }
  bring_home(job);
}

/* ---- the top process ---- */

static int open_stream(const struct job *job, const struct stream *stream) {
  if (stream->spool == NULL) return -1;
  (void)unlink(stream->spool); /* From an earlier run of a job that was started again. */
  int fd = open(stream->spool, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || fchown(fd, job->uid, job->gid) < 0) die("make", stream->spool);
  return fd;
}

static void exec_top(const struct job *job, pid_t shepherd, int input, int fds[STREAMS]) {
  setsid();
  if (job->terminal != NULL && ioctl(input, TIOCSCTTY, 0) < 0) die("become the session of", "the terminal");
  become_user(job);
  if (getppid() != shepherd) _exit(1);
  umask(077);
  for (int i = 0; i < STREAMS; i++) { /* qsub -k: straight into the user's file, which only he may open. */
    if (job->terminal != NULL) fds[i] = input;
    if (fds[i] >= 0 || job->streams[i].to == NULL) continue;
    fds[i] = open(job->streams[i].to, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, job->output_mode);
    if (fds[i] < 0) die("open", job->streams[i].to);
  }
  if (fds[STREAM_OUT] < 0) fds[STREAM_OUT] = fds[STREAM_ERR];
  if (fds[STREAM_ERR] < 0) fds[STREAM_ERR] = fds[STREAM_OUT];
  if (dup2(input, 0) < 0 || dup2(fds[STREAM_OUT], 1) < 0 || dup2(fds[STREAM_ERR], 2) < 0) die("connect", "the output");
  if (dup3(failure_fd, 3, O_CLOEXEC) < 0) die("connect", "the shepherd");
  failure_fd = 3;
  close_range(4, ~0U, 0);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (chdir(job->cwd) < 0) die("change to the directory", job->cwd);
  const char *argv[] = {job->argv0, job->command == NULL ? NULL : "-c", job->command, NULL};
  execve(job->shell, (char **)argv, (char **)job->env);
  die("execute the shell", job->shell);
}

/* Start the job. `failed` gets the end of a pipe that holds a byte when the top process did not come to be the job. */
static pid_t start_top(const struct job *job, int *failed) {
  int input[2], failure[2], fds[STREAMS];
  if (pipe2(input, O_CLOEXEC) < 0 || pipe2(failure, O_CLOEXEC | O_NONBLOCK) < 0) die("make", "a pipe");
  int terminal = job->terminal == NULL ? -1 : open_terminal(job);
  for (int i = 0; i < STREAMS; i++) fds[i] = open_stream(job, &job->streams[i]);
  size_t length = strlen(job->input);
  fcntl(input[1], F_SETFL, O_NONBLOCK);
  if (write(input[1], job->input, length) != (ssize_t)length) die("pass on", "the script's arguments");
  if (mkdir(job->tmpdir, 0700) < 0 && errno != EEXIST) die("make", job->tmpdir);
  if (lchown(job->tmpdir, job->uid, job->gid) < 0) die("give away", job->tmpdir);
  pid_t self = getpid(), top = fork();
  if (top < 0) die("fork", "the job");
  if (top == 0) {
    failure_fd = failure[1];
    exec_top(job, self, terminal >= 0 ? terminal : input[0], fds);
  }
  close(input[0]), close(input[1]), close(failure[1]);
  if (terminal >= 0) close(terminal), tell_client_ready();
  for (int i = 0; i < STREAMS; i++)
    if (fds[i] >= 0) close(fds[i]);
  *failed = failure[0];
  return top;
}

/* ---- the watch ---- */

enum phase { RUNNING, LINGERING, ENDING, KILLING };

struct watch {
  const struct job *job;
  pid_t top;
  enum phase phase;
  bool top_ended;
  int top_status, code;        /* code: why the shepherd ended it, or NO_CODE */
  bool rerun;                  /* what it has written is thrown away */
  long walltime_s;             /* 0: no limit */
  unsigned long long signals;  /* those that were sent by order */
  long long started, next_sample, deadline; /* deadline: of the phase ENDING or KILLING */
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

static void obey(struct watch *w, const char *order) {
  long number;
  if (sscanf(order, "signal %ld", &number) == 1 && number >= 0 && number < NSIG) {
    if (number > 0 && number < 64) w->signals |= 1ULL << number;
    signal_descendants((int)number, w->top, NULL);
  } else if (sscanf(order, "end %ld", &number) == 1 && number >= 0) {
    begin_end(w, number);
  } else if (sscanf(order, "walltime %ld", &number) == 1) {
    w->walltime_s = number;
  } else if (strcmp(order, "rerun") == 0) {
    w->rerun = true;
    begin_end(w, 0);
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
    if (pid == w->top) w->top_ended = true, w->top_status = status;
  }
}

static void check_walltime(struct watch *w) {
  long long seconds = (now_ms() - w->started) / 1000;
  if (w->walltime_s <= 0 || seconds < w->walltime_s) return;
  say(w->job, "=>> PBS: job killed: walltime %lld exceeded limit %ld\n", seconds, w->walltime_s);
  w->code = OVER_WALLTIME;
  begin_end(w, w->job->kill_delay_ms);
}

static void sample(struct watch *w) {
  struct usage present = {0, 0};
  signal_descendants(0, 0, &present);
  if (present.mem_kb > w->usage.mem_kb) w->usage.mem_kb = present.mem_kb;
  if (present.vmem_kb > w->usage.vmem_kb) w->usage.vmem_kb = present.vmem_kb;
  w->next_sample = now_ms() + SAMPLE_MS;
  if (w->job->mem_kb <= 0 || present.mem_kb <= (unsigned long)w->job->mem_kb) return;
  say(w->job, "=>> PBS: job killed: mem %lukb exceeded limit %ldkb\n", present.mem_kb, w->job->mem_kb);
  w->code = OVER_MEM;
  begin_end(w, w->job->kill_delay_ms);
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
  if (w->walltime_s > 0 && out_of_time < due) due = out_of_time;
  if (w->phase == LINGERING && now + 1000 < due) due = now + 1000;
  return due <= now ? 1 : (int)(due - now);
}

static int shepherd(const struct job *job) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  int signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) die("watch", "the job");
  struct watch w = {.job = job, .code = NO_CODE, .walltime_s = job->walltime_s};
  int failed;
  w.top = start_top(job, &failed);
  w.started = now_ms();
  w.next_sample = w.started + FIRST_SAMPLE_MS; /* Short jobs have a memory size too. */
  write_record("started", "session %d\nborn %llu\n", (int)w.top, birth_of(w.top));
  if (write(ALIVE_FD, "started\n", 8) < 0) errno = 0; /* Nobody may be listening just now: the daemon restarts. */
  bool with_client = job->terminal != NULL;
  while (reap(&w)) {
    int wait = advance(&w);
    if (w.phase == KILLING && now_ms() > w.deadline) {
      fprintf(stderr, "shepherd: processes of the job do not die\n");
      break;
    }
    struct pollfd fds[4] = {{signals, POLLIN, 0}, {ORDERS_FD, POLLIN, 0}};
    if (with_client) poll_terminal(fds + 2);
    if (poll(fds, with_client ? 4 : 2, wait) < 0 && errno != EINTR) die("wait for", "the job");
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) > 0) continue;
    if (fds[1].revents & POLLIN) read_orders(&w);
    if (with_client && !move_terminal(fds + 2)) {
      with_client = false;
      begin_end(&w, job->kill_delay_ms);
    }
  }
  if (with_client) drain_terminal();
  char byte;
  int status = read(failed, &byte, 1) == 1 ? EXEC_FAILED : w.code;
  if (status == NO_CODE) status = WIFSIGNALED(w.top_status) ? 256 + WTERMSIG(w.top_status) : WEXITSTATUS(w.top_status);
  if (w.rerun) status = RETRY, drop_outputs(job);
  record_end(status, &w.usage);
  bring_home(job);
  return 0;
}

/* ---- two processes ---- */

/* The inner shepherd was killed, or could not go on: its job's processes are our children now. */
static void take_over(const struct job *job) {
  long long deadline = now_ms() + GIVE_UP_MS;
  for (;;) {
    signal_descendants(SIGKILL, 0, NULL);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (waitpid(-1, NULL, WNOHANG) < 0 || now_ms() > deadline) break;
    poll(NULL, 0, SWEEP_MS);
  }
  bring_home_lost(job);
}

/* Both shepherds were killed, and the daemon asks for what is left to be done. */
static void finish_lost(const struct job *job, bool discard) {
  char path[4096];
  int session = 0;
  unsigned long long born = 0;
  snprintf(path, sizeof path, "%s/started", run_dir);
  FILE *file = fopen(path, "re");
  if (file != NULL) {
    if (fscanf(file, "session %d born %llu", &session, &born) != 2) session = 0;
    fclose(file);
  }
  /* A number is not given away while a process of the session lives; if its bearer is another one, none does. */
  unsigned long long now_born = session > 0 ? birth_of(session) : 0;
  if (now_born != 0 && now_born != born) session = 0;
  if (!has_record("ended")) /* else all were gone, and the numbers may be from before a reboot */
    for (long long deadline = now_ms() + GIVE_UP_MS; kill_strangers(job, session) > 0 && now_ms() < deadline;)
      poll(NULL, 0, SWEEP_MS);
  if (discard) {
    drop_outputs(job);
    record_end(RETRY, &(struct usage){0, 0});
  }
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
