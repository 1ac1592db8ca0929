/* A program from the payload of EXEC: its pipes or terminal, its identity, its way to execve. */
#include "agent.h"
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <termios.h>

enum { PIPE_SIZE = 1 << 18, FLAG_TTY = 1, FLAG_STDIN = 2, KEEP_GROUPS = UINT16_MAX };
static const uint64_t KEEP = UINT32_MAX;
struct plan { uint64_t flags, columns, rows, mask, uid, gid; struct reader rest; };

/* The rest of EXEC, and with it the child's way to execve. Returns the step that failed. */
static const char *become(struct plan *q, const int fds[3]) {
  struct winsize size = {.ws_row = (unsigned short)q->rows, .ws_col = (unsigned short)q->columns};
  struct reader *r = &q->rest;
  size_t argc = get(r, 2), ngroups = get(r, 2), nlimits, count;
  gid_t groups[UINT16_MAX];
  struct rlimit limit;
  sigset_t none;
  for (size_t i = 0; ngroups != KEEP_GROUPS && i < ngroups; i++) groups[i] = (gid_t)get(r, 4);
  nlimits = get(r, 2);
  for (size_t i = 0; i < nlimits && !r->bad; i++) {
    int resource = (int)get(r, 1);
    limit.rlim_cur = get(r, 8);
    limit.rlim_max = get(r, 8);
    if (!r->bad && setrlimit(resource, &limit) < 0) return "rlimit";
  }
  struct item *list = get_list(r, &count);
  char **words = r->bad ? NULL : calloc(count + 2, sizeof *words); /* arguments, NULL, environment, NULL */
  errno = EBADMSG;
  if (words == NULL || argc == 0 || count < argc + 2) return "decode";
  for (size_t i = 0; i < count; i++)
    if (memchr(list[i].p, 0, list[i].n)) return "decode";
  for (size_t i = 2; i < count; i++) words[i < argc + 2 ? i - 2 : i - 1] = list[i].p;

  for (int i = 1; i < NSIG; i++) signal(i, SIG_DFL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setpriority(PRIO_PROCESS, 0, 0); /* only the agent itself comes before all others */
  if (setsid() < 0) return "terminal";
  if ((q->flags & FLAG_TTY) && (ioctl(fds[0], TIOCSCTTY, 0) < 0 || ioctl(fds[0], TIOCSWINSZ, &size) < 0)) return "terminal";
  for (int i = 0; i < 3; i++)
    if (dup2(fds[i], i) < 0) return "streams";
  if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC, from Linux 5.11 on */) < 0)
    for (int i = 3; i < 4096; i++) fcntl(i, F_SETFD, FD_CLOEXEC);
  umask((mode_t)q->mask);
  if (ngroups != KEEP_GROUPS && setgroups(ngroups, groups) < 0) return "setgroups";
  if (q->gid != KEEP && setresgid((gid_t)q->gid, (gid_t)q->gid, (gid_t)q->gid) < 0) return "setgid";
  if (q->uid != KEEP && setresuid((uid_t)q->uid, (uid_t)q->uid, (uid_t)q->uid) < 0) return "setuid";
  if (chdir(list[0].p) < 0) return "chdir";
  environ = words + argc + 1;
  execvp(list[1].p, words);
  return "execve";
}

/* Descriptors: mine[] stay here (to its input, from its outputs), theirs[] become 0, 1, 2 of the program. Returns the step that failed. */
static const char *connect_streams(const struct plan *q, int mine[3], int theirs[3]) {
  uid_t owner = q->uid == KEEP ? geteuid() : (uid_t)q->uid;
  char name[64];
  int p[2];
  if (q->flags & FLAG_TTY) {
    mine[1] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (mine[1] < 0 || unlockpt(mine[1]) < 0 || (errno = ptsname_r(mine[1], name, sizeof name)) != 0) return "terminal";
    if ((mine[0] = fcntl(mine[1], F_DUPFD_CLOEXEC, 3)) < 0) return "terminal";
    for (int i = 0; i < 3; i++)
      if ((theirs[i] = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) return "terminal";
  }
  for (int i = 0; i < 3 && !(q->flags & FLAG_TTY); i++) {
    if (i == 0 && !(q->flags & FLAG_STDIN)) {
      if ((theirs[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) return "streams";
      continue;
    }
    if (pipe2(p, O_CLOEXEC) < 0) return "streams";
    theirs[i] = p[i != 0];
    mine[i] = p[i == 0];
    fcntl(mine[i], F_SETPIPE_SZ, PIPE_SIZE); /* a larger pipe is only faster */
  }
  for (int i = 0; i < 3; i++) {
    if (mine[i] < 0) continue;
    fcntl(mine[i], F_SETFL, O_NONBLOCK);
    /* Otherwise the program could not open /dev/stderr again, since the pipe would be the agent's. */
    if (owner != geteuid() && fchown(theirs[i], owner, (gid_t)-1) < 0) return "streams";
  }
  return NULL;
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* A connection, which stays the caller's, as 0 and 1. Nobody reads what the program says as 2. */
static const char *connect_socket(int socket, int theirs[3]) {
  for (int i = 0; i < 3; i++)
    if ((theirs[i] = i < 2 ? fcntl(socket, F_DUPFD_CLOEXEC, 3) : open("/dev/null", O_WRONLY | O_CLOEXEC)) < 0) return "streams";
  return NULL;
}

/* Returns the step that failed, with errno; what fails in the child comes through `report`, which is closed by execve. */
const char *program_start(struct program *program, uint8_t *p, size_t n, int socket) {
  struct plan q = {.rest = {p, p + n, false}};
  int mine[3] = {-1, -1, -1}, theirs[3] = {-1, -1, -1}, report[2] = {-1, -1};
  pid_t pid = -1;
  q.flags = get(&q.rest, 1);
  q.columns = get(&q.rest, 2);
  q.rows = get(&q.rest, 2);
  q.mask = get(&q.rest, 4);
  q.uid = get(&q.rest, 4);
  q.gid = get(&q.rest, 4);
  program->credit = get(&q.rest, 4);
  errno = EBADMSG;
  const char *step = q.rest.bad ? "decode" : socket < 0 ? connect_streams(&q, mine, theirs) : connect_socket(socket, theirs);
  if (step == NULL && pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0) step = "streams";
  if (step == NULL && (pid = fork()) < 0) step = "fork";
  if (pid == 0) {
    struct failure why = {0};
    strcpy(why.step, become(&q, theirs));
    why.error = errno;
    _exit(write(report[1], &why, sizeof why) < 0 ? 126 : 127);
  }
  int error = errno;
  shut(&report[1]);
  for (int i = 0; i < 3; i++) shut(&theirs[i]);
  for (int i = 0; i < 3 && step != NULL; i++) shut(&mine[i]);
  if (step != NULL) shut(&report[0]);
  program->pid = pid;
  program->tty = q.flags & FLAG_TTY;
  program->in = mine[0];
  program->out[0] = mine[1];
  program->out[1] = mine[2];
  program->report = report[0];
  errno = error;
  return step;
}
