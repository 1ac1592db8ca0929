/* The job's top process: its streams, its rights, its shell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shepherd.h"

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

void open_outputs(const struct job *job, int fds[STREAMS]) {
  for (int i = 0; i < STREAMS; i++) fds[i] = open_stream(job, &job->streams[i]);
}

/* Start the job. `failed` gets the end of a pipe that holds a byte when the top process did not come to be the job. */
pid_t start_top(const struct job *job, int terminal, int fds[STREAMS], int *failed) {
  int input[2], failure[2];
  if (pipe2(input, O_CLOEXEC) < 0 || pipe2(failure, O_CLOEXEC | O_NONBLOCK) < 0) die("make", "a pipe");
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
  if (terminal >= 0) close(terminal);
  for (int i = 0; i < STREAMS; i++)
    if (fds[i] >= 0) close(fds[i]);
  *failed = failure[0];
  return top;
}
