/* The guest agent: what its files share. The protocol is docs/guest-protocol.md. */
#ifndef AGENT_H
#define AGENT_H
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef AGENT_VERSION
#define AGENT_VERSION "unknown"
#endif
enum { HEADER = 9, MAX_PAYLOAD = 65536, MAX_STREAMS = 256, MAX_SERVERS = 4, MAX_POLL = 4 + MAX_SERVERS + 4 * MAX_STREAMS };
enum { IN_HELLO = 1, IN_CALL, IN_EXEC, IN_STDIN, IN_CREDIT, IN_SIGNAL, IN_RESIZE, IN_PART, IN_ACCEPT };
enum { HELLO = 0x81, REPLY, STARTED, STDOUT, STDERR, CREDIT, EXIT, FAILED, ERROR };

struct item { char *p; size_t n; };
struct reader { uint8_t *p, *end; bool bad; };
struct polls { struct pollfd fd[MAX_POLL]; int n; };

/* wire.c: frames out, through a ring so that writing never waits; payloads in */
bool out_room(void);      /* false: produce nothing more until the host has read */
bool out_room_data(void); /* the same with a lower mark, for what programs print */
size_t out_used(void);
void out_reset(void);
int out_flush(int fd);
void send_frame(uint8_t type, uint32_t id, const char *format, ...);
ssize_t send_from(int fd, uint8_t type, uint32_t id, size_t max);
uint64_t get(struct reader *r, size_t bytes);
struct item *get_list(struct reader *r, size_t *count);

/* program.c: one program; what the child could not do comes through `report` as a struct failure */
struct program { pid_t pid; int in, out[2], report; bool tty; uint64_t credit; };
struct failure { int error; char step[16]; };
/* `socket`: what it gets as its input and output instead, if there is one; -1: none */
const char *program_start(struct program *program, uint8_t *p, size_t n, int socket);

/* exec.c: the programs, and connections, which are streams like theirs */
void exec_start(uint32_t id, uint8_t *p, size_t n, int error);
void stream_accept(uint32_t id, uint8_t *p, size_t n);
void stream_stdin(uint32_t id, const uint8_t *p, size_t n);
void stream_control(uint8_t type, uint32_t id, uint8_t *p, size_t n);
void streams_poll(struct polls *polls);
void streams_io(void);
void streams_reaped(pid_t pid, int status);
void streams_signal(int signal);
bool streams_running(void);
void streams_kill(void);

/* serve.c: programs that are started for those who connect */
void servers_poll(struct polls *polls);
void servers_io(void);
void servers_reaped(pid_t pid);
void servers_signal(int signal);
bool servers_running(void);
void servers_stop(void);

/* calls.c: the queue of calls */
enum { AGAIN = -1 };
struct call {
  struct call *next;
  uint32_t id;
  uint8_t flags;
  size_t size, argc;
  struct item *argv; /* argv[0] is the name */
  uint64_t n[8];     /* those of argv that are numbers */
  int64_t since, retry_at;
  int error, step;
  pid_t child;
  struct item *results;
  size_t nresults;
  char text[256];
  uint8_t buffer[]; /* the payload; argv points into it */
};
void call_add(uint32_t id, uint8_t *p, size_t n, int error);
void calls_run(void);
void calls_drop(void);
bool calls_full(void);
int calls_timeout(void);
int fail(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int fail_with(struct call *c, int error, const char *text);
bool retry(struct call *c, uint64_t wait);

/* system.c, files.c: what they do. Each returns 0, an errno or AGAIN */
int call_modules(struct call *c), call_mount(struct call *c), call_umount(struct call *c), call_root(struct call *c);
int call_hostname(struct call *c), call_clock(struct call *c), call_reseed(struct call *c), call_sync(struct call *c);
int call_terminate(struct call *c), call_poweroff(struct call *c), call_mkdir(struct call *c), call_file(struct call *c), call_read(struct call *c);
int call_net(struct call *c), call_listen(struct call *c), call_serve(struct call *c), call_devices(struct call *c);
int call_time(struct call *c), call_slew(struct call *c), call_tidy(struct call *c);
int make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid);
void net_loopback(void);

/* boot.c, main.c */
int boot(void);
int64_t now_ms(void);
extern bool is_init, no_children, power_off;
#endif
