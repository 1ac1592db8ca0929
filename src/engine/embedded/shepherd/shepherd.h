/* The shepherd of one job: starts it, watches over it, ends it, brings its output home. See shepherd.c. */
#ifndef SHEPHERD_H
#define SHEPHERD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { STREAM_OUT, STREAM_ERR, STREAMS };
enum { ALIVE_FD = 3, ORDERS_FD = 4, TERMINAL_FD = 5 };

/* One of the job's output streams. Without `spool` it is written straight to `to` (qsub -k), as the user. */
struct stream {
  const char *spool; /* file below the instance's spool, or NULL */
  const char *to;    /* where it goes: a file, or a directory that then gets `name`; NULL: joined to the other one */
  const char *name;  /* the default file name */
  const char *suffix; /* what is added to `to` when it is a file: an array element's number */
};

enum { MAX_HOOK_ENV = 32, MAX_SISTERS = 10000 };

/* What hooks are told. Without `dir` and scripts of the user's own there are none. */
struct hook_facts {
  const char *dir;  /* where the site's hooks are */
  const char *type; /* of qsub -T, or NULL */
  const char *own_prologue, *own_epilogue; /* of qsub -l, or NULL */
  const char *home, *nodefile;
  const char *id, *user, *group, *name, *resources, *queue, *account, *script;
  const char *env[MAX_HOOK_ENV];
  size_t env_count;
  int sisters; /* nodes of the job besides the first */
  long alarm_s;
};

struct job {
  uid_t uid;
  gid_t gid;
  gid_t groups[1024];
  size_t group_count;
  const char *shell, *argv0, *cwd, *input, *cookie, *tmpdir, *undelivered;
  const char *terminal; /* of an interactive job: its size, "COLUMNS ROWS"; else NULL */
  const char *command;  /* what an interactive job runs instead of a shell, or NULL */
  struct stream streams[STREAMS];
  mode_t output_mode;
  long walltime_s, kill_delay_ms, mem_kb; /* 0: no limit */
  const char *env[8192];
  size_t env_count;
  struct hook_facts hooks;
};

/* What the job used at most, as seen by the scans of /proc. */
struct usage {
  unsigned long mem_kb, vmem_kb;
};

/* How a job has ended. */
struct ending {
  int status;
  bool discard;    /* its output is thrown away */
  bool no_sisters; /* the sisters get no epilogues */
  long wall_s;
  long long cpu_ms; /* only when read */
  struct usage usage;
};

/* records.c */
extern const char *run_dir;
void write_record(const char *name, const char *format, ...);
void append_record(const char *name, const char *line);
bool has_record(const char *name);
bool has_line(const char *name, const char *line);
void record_end(const struct ending *end);
struct ending read_end(void);
pid_t read_session(unsigned long long *born);
void bring_home(const struct job *job); /* the last step: makes the end a result */

/* hooks.c */
enum chain { PROLOGUE_PARALLEL, PROLOGUE, PRECANCEL, EPILOGUE_PARALLEL, EPILOGUE, CHAINS };
typedef int wait_for_chains(void *context, const pid_t *chains, int count); /* returns the worst exit code */
extern int hook_terminal_fd; /* where the hooks of an interactive job write while it is open, or -1 */
bool has_hooks(const struct job *job, enum chain chain);
bool has_any_hooks(const struct job *job);
pid_t start_chain(const struct job *job, enum chain chain, int node);
int run_prologues(const struct job *job, wait_for_chains *wait, void *context, bool *by_sister); /* 0: the job may start */
void run_epilogues(const struct job *job, wait_for_chains *wait, void *context);

/* top.c: the job's top process */
void open_outputs(const struct job *job, int fds[STREAMS]);
pid_t start_top(const struct job *job, int terminal, int fds[STREAMS], int *failed);

/* spec.c: read the job's description: key, NUL, value, NUL, ... */
void read_spec(const char *path, struct job *job);

/* procs.c */
size_t signal_descendants(int signal, pid_t session, struct usage *usage); /* session 0: all of them; signal 0: count */
unsigned long long birth_of(pid_t pid); /* 0: no such process */
size_t kill_strangers(const struct job *job, pid_t session);               /* by cookie or session; returns how many */

/* user.c: everything that touches what the user owns, done in a child that is the user */
void become_user(const struct job *job);
void deliver_outputs(const struct job *job);
void remove_tmpdir(const struct job *job);
void append_message(const struct job *job, const char *text);

/* terminal.c: the terminal of an interactive job, and its client */
int open_terminal(const struct job *job); /* returns the job's side of it */
void tell_client(const char *text);
void tell_client_ready(void);
void poll_terminal(struct pollfd fds[2]);
bool move_terminal(const struct pollfd fds[2]); /* false: the client is gone */
void part_from_client(void);                    /* after what the job wrote last */

extern int failure_fd; /* Where a child that could not become the job says so, since its exit code could be a script's. */
extern int die_code;   /* with which a process ends that cannot go on */
extern int log_fd;
void die(const char *what, const char *which) __attribute__((noreturn));
long long now_ms(void);

#endif
