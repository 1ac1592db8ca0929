/* Directories, files, network interfaces. */
#include "agent.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { READ_MAX = 60000 };

/* The directory and its missing parents. One that is there is left as it is. Returns 0 or an errno. */
int make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid) {
  char part[4096];
  struct stat s;
  size_t n = strlen(path);
  if (n == 0 || n >= sizeof part) return ENAMETOOLONG;
  for (size_t i = 1; i <= n; i++) {
    if (path[i] != '/' && path[i] != 0) continue;
    snprintf(part, sizeof part, "%.*s", (int)i, path);
    int error = mkdir(part, 0755) < 0 ? errno : 0;
    if (stat(part, &s) < 0) return error ? error : errno;
    if (!S_ISDIR(s.st_mode)) return ENOTDIR;
    if (error || path[i] != 0) continue;
    if ((s.st_uid != uid || s.st_gid != gid) && lchown(part, uid, gid) < 0) return errno;
    if (chmod(part, mode) < 0) return errno;
  }
  return 0;
}

int call_mkdir(struct call *c) {
  int error = make_directory(c->argv[1].p, (mode_t)c->n[2], (uid_t)c->n[3], (gid_t)c->n[4]);
  return error ? fail_with(c, error, c->argv[1].p) : 0;
}

int call_read(struct call *c) {
  static char bytes[READ_MAX];
  static struct item result = {bytes, 0};
  int fd = open(c->argv[1].p, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  ssize_t n = fd < 0 ? -1 : pread(fd, bytes, c->n[3] < READ_MAX ? c->n[3] : READ_MAX, (off_t)(c->n[2] & INT64_MAX));
  int error = n < 0 ? fail(c, "read %s", c->argv[1].p) : 0;
  if (fd >= 0) close(fd);
  result.n = n > 0 ? (size_t)n : 0;
  c->results = &result;
  c->nresults = 1;
  return error;
}

/* The pieces go to `PATH.vtorque`, which takes the file's place when it is complete. */
int call_file(struct call *c) {
  enum { BEGIN = 1, END = 2, DROP = 4 };
  const char *path = c->argv[1].p, *what = NULL;
  uid_t uid = (uid_t)c->n[3];
  gid_t gid = (gid_t)c->n[4];
  uint64_t step = c->n[5];
  char draft[4096];
  struct stat s;
  if (snprintf(draft, sizeof draft, "%s.vtorque", path) >= (int)sizeof draft) return fail_with(c, ENAMETOOLONG, "path");
  if (step & (BEGIN | DROP)) unlink(draft);
  if (step & DROP) return 0;
  int fd = open(draft, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (step & BEGIN ? O_CREAT | O_EXCL : 0), 0600);
  if (fd < 0) return fail(c, "open %s", draft);
  for (size_t done = 0; done < c->argv[6].n && !what;) {
    ssize_t n = write(fd, c->argv[6].p + done, c->argv[6].n - done);
    if (n > 0) done += (size_t)n;
    else if (n == 0 || errno != EINTR) what = "write";
  }
  if (!what && (step & END)) {
    if (fstat(fd, &s) < 0 || ((s.st_uid != uid || s.st_gid != gid) && fchown(fd, uid, gid) < 0)) what = "give away";
    else if (fchmod(fd, (mode_t)c->n[2]) < 0) what = "set the mode of";
    else if (rename(draft, path) < 0) what = "put in place";
  }
  int error = what ? fail(c, "%s %s", what, path) : 0;
  if (close(fd) < 0 && !what) error = fail(c, "write %s", path);
  if (error) unlink(draft);
  return error;
}

static struct ifreq named(const char *name) {
  struct ifreq r = {0};
  snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
  return r;
}

static struct sockaddr ipv4(uint32_t address) {
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = address};
  struct sockaddr out;
  memcpy(&out, &in, sizeof out);
  return out;
}

static int raise_interface(int fd, const char *name, bool up) {
  struct ifreq r = named(name);
  if (ioctl(fd, SIOCGIFFLAGS, &r) < 0) return -1;
  r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
  return ioctl(fd, SIOCSIFFLAGS, &r);
}

void net_loopback(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) raise_interface(fd, "lo", true), close(fd);
}

static int set_mac(int fd, const char *name, const unsigned mac[6]) {
  struct ifreq r = named(name);
  r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  for (int i = 0; i < 6; i++) r.ifr_hwaddr.sa_data[i] = (char)mac[i];
  return raise_interface(fd, name, false) < 0 ? -1 : ioctl(fd, SIOCSIFHWADDR, &r);
}

int call_net(struct call *c) {
  const char *name = c->argv[1].p, *address = c->argv[2].p, *gateway = c->argv[3].p, *mac = c->argv[4].p, *what = NULL;
  char text[16], end;
  unsigned prefix = 0, m[6];
  struct in_addr a = {0}, g = {0};
  bool bad = sscanf(address, "%15[0-9.]/%2u%c", text, &prefix, &end) != 2 || prefix > 32 || inet_pton(AF_INET, text, &a) != 1;
  if (*address && bad) return fail_with(c, EINVAL, "address");
  if (*gateway && inet_pton(AF_INET, gateway, &g) != 1) return fail_with(c, EINVAL, "gateway");
  bad = sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x%c", m, m + 1, m + 2, m + 3, m + 4, m + 5, &end) != 6;
  if (*mac && bad) return fail_with(c, EINVAL, "MAC");
  net_loopback();
  if (if_nametoindex(name) == 0) return retry(c, c->n[6]) ? AGAIN : fail(c, "interface %s", name);
  struct ifreq mtu = named(name), own = mtu, mask = mtu;
  mtu.ifr_mtu = (int)c->n[5];
  own.ifr_addr = ipv4(a.s_addr);
  mask.ifr_netmask = ipv4(htonl(prefix ? UINT32_MAX << (32 - prefix) : 0));
  struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY, .rt_dst = ipv4(0), .rt_genmask = ipv4(0), .rt_gateway = ipv4(g.s_addr)};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) what = "socket";
  else if (*mac && set_mac(fd, name, m) < 0) what = "MAC";
  else if (mtu.ifr_mtu && ioctl(fd, SIOCSIFMTU, &mtu) < 0) what = "MTU";
  else if (*address && (ioctl(fd, SIOCSIFADDR, &own) < 0 || ioctl(fd, SIOCSIFNETMASK, &mask) < 0)) what = "address";
  else if (raise_interface(fd, name, true) < 0) what = "bring up";
  else if (*gateway && ioctl(fd, SIOCADDRT, &route) < 0 && errno != EEXIST) what = "gateway";
  int error = what ? fail(c, "%s of %s", what, name) : 0;
  if (fd >= 0) close(fd);
  return error;
}
