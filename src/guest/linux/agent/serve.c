/* Servers that start when somebody comes: a program of its own for each connection, as inetd(8) does it. */
#include "agent.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { MAX_SERVED = 256 };
struct server { int fd; size_t n; uint8_t *exec; };
static struct server servers[MAX_SERVERS];
static size_t count;
static pid_t served[MAX_SERVED]; /* 0: free */
#define EACH(s) for (struct server *s = servers; s < servers + count; s++)
#define EACH_SERVED(p) for (pid_t *p = served; p < served + MAX_SERVED; p++)

static pid_t *place(void) {
  EACH_SERVED(p) if (*p == 0) return p;
  return NULL;
}

static int listen_at(struct sockaddr_in *at) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on); /* the guest's own system may give itself the address later */
  if (bind(fd, (void *)at, sizeof *at) == 0 && listen(fd, SOMAXCONN) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

/* Arguments: address, port, program to look for, payload of EXEC. */
int call_serve(struct call *c) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->n[2])};
  struct item *exec = &c->argv[4];
  if (inet_pton(AF_INET, c->argv[1].p, &at.sin_addr) != 1 || c->n[2] < 1 || c->n[2] > UINT16_MAX) return fail_with(c, EINVAL, "an address and a port");
  if (access(c->argv[3].p, X_OK) < 0) return fail(c, "%s", c->argv[3].p);
  if (count == MAX_SERVERS) return fail_with(c, ENOBUFS, "too many servers");
  struct server new = {.n = exec->n, .exec = malloc(exec->n + 1)}; /* a byte to spare for get_list */
  if (new.exec == NULL) return ENOMEM;
  memcpy(new.exec, exec->p, exec->n);
  if ((new.fd = listen_at(&at)) < 0) {
    int error = fail(c, "listen at port %u of %s", (unsigned)c->n[2], c->argv[1].p);
    free(new.exec);
    return error;
  }
  servers[count++] = new;
  return 0;
}

/* Who comes when all places are taken waits. */
void servers_poll(struct polls *polls) {
  if (place() != NULL) EACH(s) polls->fd[polls->n++] = (struct pollfd){.fd = s->fd, .events = POLLIN};
}

void servers_io(void) {
  EACH(s) {
    pid_t *at;
    for (int fd, on = 1; (at = place()) && (fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd)) {
      struct program program = {0};
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      /* One that cannot be started is seen by who has come: the connection ends. */
      if (program_start(&program, s->exec, s->n, fd) != NULL) continue;
      close(program.report);
      *at = program.pid;
    }
  }
}

void servers_reaped(pid_t pid) {
  EACH_SERVED(p) if (*p == pid) *p = 0;
}

void servers_signal(int signal) {
  EACH_SERVED(p) if (*p != 0 && kill(-*p, signal) < 0) kill(*p, signal); /* no group yet: it has not come to setsid */
}

bool servers_running(void) {
  EACH_SERVED(p) if (*p != 0) return true;
  return false;
}

void servers_stop(void) {
  servers_signal(SIGKILL);
  EACH(s) close(s->fd), free(s->exec);
  count = 0;
}
