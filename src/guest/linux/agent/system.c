/* The whole guest: modules, mounts, the root, clock and random numbers, the end; and its beginning, as /init. */
#include "agent.h"
#include <dirent.h>
#include <ftw.h>
#include <linux/magic.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <time.h>

#ifndef RNDRESEEDCRNG
#define RNDRESEEDCRNG _IO('R', 0x07)
#endif
#define PORT_NAME "vtorque.agent"
enum { KILL_WAIT = 2000, PORT_WAIT = 30000, SLEW_MAX = 500000, SPARE = 6 << 20 };

/* Only a RAM disk is ours to empty: anything else is somebody's file system. */
static bool root_is_ram(void) {
  struct statfs fs;
  return statfs("/", &fs) == 0 && (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at) {
  (void)s, (void)kind, (void)at;
  remove(path); /* what is not empty has mounts in it and stays */
  return 0;
}

/* To find that out by loading it would take as long as loading it. */
static bool is_loaded(const char *file) {
  char path[300];
  int n = snprintf(path, sizeof path, "/sys/module/%.*s", (int)strcspn(file, "."), file);
  for (int i = 12; i < n; i++)
    if (path[i] == '-') path[i] = '_';
  return access(path, F_OK) == 0;
}

/* Load what /mods/GROUP.order lists. Groups that are loaded are remembered, also by the clones of this machine. */
int call_modules(struct call *c) {
  static char loaded_groups[512] = " ";
  char path[300], name[256], word[256];
  int error = 0, n = snprintf(word, sizeof word, " %.200s ", c->argv[1].p);
  if (strstr(loaded_groups, word)) return 0;
  snprintf(path, sizeof path, "/mods/%.200s.order", c->argv[1].p);
  FILE *order = strchr(c->argv[1].p, '/') ? NULL : fopen(path, "re");
  if (order == NULL) return fail_with(c, ENOENT, path);
  while (!error && fscanf(order, "%255s", name) == 1) {
    if (is_loaded(name)) continue;
    snprintf(path, sizeof path, "/mods/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool loaded = fd >= 0 && (syscall(SYS_finit_module, fd, "", 0) == 0 || errno == EEXIST || errno == ENODEV);
    if (!loaded) error = fail(c, "%s", path);
    if (fd >= 0) close(fd);
  }
  fclose(order);
  if (!error && strlen(loaded_groups) + (size_t)n < sizeof loaded_groups) strcat(loaded_groups, word + 1);
  return error;
}

int call_mount(struct call *c) {
  const char *source = c->argv[1].p, *target = c->argv[2].p, *type = c->argv[3].p;
  if (access(target, F_OK) < 0 && (errno = make_directory(target, 0755, 0, 0)) != 0) return fail(c, "make %s", target);
  if (mount(source, target, *type ? type : NULL, c->n[4], c->argv[5].p) == 0) return 0;
  int error = fail(c, "mount %s on %s", source, target);
  bool may_come = error == ENOENT || error == ENODEV || error == ENXIO || error == EINVAL;
  return may_come && retry(c, c->n[6]) ? AGAIN : error;
}

int call_umount(struct call *c) { return umount2(c->argv[1].p, (int)c->n[2]) < 0 ? fail(c, "unmount %s", c->argv[1].p) : 0; }

int call_root(struct call *c) {
  static const char *const MOVED[][2] = {{"/dev", "/new/dev"}, {"/proc", "/new/proc"}, {"/sys", "/new/sys"}};
  struct stat old, new;
  if (!is_init) return fail_with(c, EPERM, "the agent is not process 1");
  if (stat("/", &old) < 0 || stat("/new", &new) < 0 || old.st_dev == new.st_dev) return fail_with(c, EINVAL, "nothing is mounted on /new");
  for (int i = 0; i < 3; i++) {
    mkdir(MOVED[i][1], 0755);
    if (mount(MOVED[i][0], MOVED[i][1], NULL, MS_MOVE, NULL) < 0) return fail(c, "move %s", MOVED[i][0]);
  }
  /* Without the modules what is left of it is not worth the time. */
  if (access("/mods", F_OK) == 0 && root_is_ram()) nftw("/", remove_one, 16, FTW_PHYS | FTW_MOUNT | FTW_DEPTH);
  bool done = chdir("/new") == 0 && mount(".", "/", NULL, MS_MOVE, NULL) == 0 && chroot(".") == 0 && chdir("/") == 0;
  return done ? 0 : fail(c, "change the root");
}

int call_hostname(struct call *c) { return sethostname(c->argv[1].p, c->argv[1].n) < 0 ? fail(c, "set the host name") : 0; }

int call_clock(struct call *c) {
  struct timespec t = {(time_t)(c->n[1] / 1000000000), (long)(c->n[1] % 1000000000)};
  return clock_settime(CLOCK_REALTIME, &t) < 0 ? fail(c, "set the clock") : 0;
}

/* What the clock shows, and whether a program of the guest keeps it true. */
int call_time(struct call *c) {
  static struct item told[2];
  struct timespec t;
  struct timex kernel = {0};
  if (clock_gettime(CLOCK_REALTIME, &t) < 0 || adjtimex(&kernel) < 0) return fail(c, "read the clock");
  told[0].p = c->text;
  told[0].n = (size_t)snprintf(c->text, sizeof c->text, "%lld%09ld", (long long)t.tv_sec, t.tv_nsec);
  told[1].p = kernel.status & STA_UNSYNC ? "free" : "kept";
  told[1].n = 4;
  c->results = told;
  c->nresults = 2;
  return 0;
}

/* The kernel does it at half a millisecond in a second; what is left of the correction before is forgotten. */
int call_slew(struct call *c) {
  char *end;
  struct timex kernel = {.modes = ADJ_OFFSET_SINGLESHOT};
  kernel.offset = strtol(c->argv[1].p, &end, 10);
  if (end == c->argv[1].p || *end || labs(kernel.offset) > SLEW_MAX) return fail_with(c, EINVAL, "at most half a second");
  return adjtimex(&kernel) < 0 ? fail(c, "correct the clock") : 0;
}

int call_reseed(struct call *c) {
  size_t n = c->argv[1].n;
  if (n == 0 || n > 512) return fail_with(c, EINVAL, "from 1 to 512 bytes");
  union { struct rand_pool_info head; char bytes[sizeof(struct rand_pool_info) + 512]; } pool = {.head = {(int)n * 8, (int)n}};
  memcpy(pool.bytes + sizeof pool.head, c->argv[1].p, n);
  int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC), error = 0;
  if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) < 0) error = fail(c, "add entropy");
  else if (ioctl(fd, RNDRESEEDCRNG, 0) < 0 && errno != ENOTTY && errno != EINVAL) error = fail(c, "reseed");
  if (fd >= 0) close(fd);
  return error;
}

/* A machine that was restored may have devices that this kernel did not see when it booted. */
int call_devices(struct call *c) {
  int fd = open("/sys/bus/pci/rescan", O_WRONLY | O_CLOEXEC), error = 0;
  if (fd < 0 || write(fd, "1", 1) != 1) error = fail(c, "look for devices");
  if (fd >= 0) close(fd);
  return error;
}

/* What may take long a child does; it is gone when the loop has reaped it. */
static int in_child(struct call *c, void (*work)(struct call *)) {
  if (c->child == 0 && (c->child = fork()) == 0) {
    work(c);
    _exit(0);
  }
  return c->child < 0 ? fail(c, "fork") : kill(c->child, 0) == 0 ? AGAIN : 0;
}

static void write_back(struct call *c) {
  (void)c;
  sync();
}

int call_sync(struct call *c) { return in_child(c, write_back); }

/* The kernel gives out pages of zeros, and the child gives them back as they are. */
static void zero_free_memory(struct call *c) {
  struct sysinfo s;
  if (sysinfo(&s) < 0) return;
  uint64_t free = (uint64_t)s.freeram * s.mem_unit, n = free < SPARE ? 0 : free - SPARE;
  if (n > c->n[1]) n = c->n[1];
  if (n > 0) mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, -1, 0);
}

/* A machine that is to be kept is the smaller, the more of its memory are zeros. */
int call_tidy(struct call *c) {
  if (c->child == 0 && is_init && root_is_ram()) nftw("/mods", remove_one, 16, FTW_PHYS | FTW_DEPTH);
  return in_child(c, zero_free_memory);
}

/* End all other programs (as process 1) or those of the streams: TERM, after the grace KILL. */
int call_terminate(struct call *c) {
  int64_t past = now_ms() - c->since, grace = (int64_t)c->n[1];
  if (c->step == 0 || (c->step == 1 && past >= grace)) {
    int sig = c->step++ == 0 ? SIGTERM : SIGKILL;
    if (is_init) kill(-1, sig);
    else streams_signal(sig), servers_signal(sig);
    return AGAIN;
  }
  bool ended = is_init ? no_children : !streams_running() && !servers_running();
  return ended || past >= grace + KILL_WAIT ? 0 : AGAIN;
}

/* The loop does it when the reply is out. */
int call_poweroff(struct call *c) {
  power_off = is_init;
  return is_init ? 0 : fail_with(c, EPERM, "the agent is not process 1");
}

static int open_port(void) {
  char path[300], name[64];
  int port = -1;
  DIR *dir = opendir("/sys/class/virtio-ports");
  for (struct dirent *e; dir && port < 0 && (e = readdir(dir));) {
    snprintf(path, sizeof path, "/sys/class/virtio-ports/%.200s/name", e->d_name);
    FILE *f = fopen(path, "re");
    snprintf(path, sizeof path, "/dev/%.200s", e->d_name);
    if (f && fscanf(f, "%63s", name) == 1 && strcmp(name, PORT_NAME) == 0) port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (f) fclose(f);
  }
  if (dir) closedir(dir);
  return port;
}

/* As /init. Returns the open port. Nobody hears of an error but the console; then the machine ends. */
int boot(void) {
  static const struct { const char *type, *path; unsigned long flags; const char *options; } MOUNTS[] = {
    {"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""},
    {"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, ""},
    {"devtmpfs", "/dev", MS_NOSUID, "mode=755"},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666"},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777"},
  };
  static const char *const LINKS[][2] = {{"/proc/self/fd", "/dev/fd"}, {"fd/0", "/dev/stdin"}, {"fd/1", "/dev/stdout"}, {"fd/2", "/dev/stderr"}};
  struct item words[] = {{"modules", 7}, {"base", 4}};
  struct call base = {.argv = words, .argc = 2};
  for (size_t i = 0; i < sizeof MOUNTS / sizeof *MOUNTS; i++) {
    make_directory(MOUNTS[i].path, 0755, 0, 0);
    mount(MOUNTS[i].type, MOUNTS[i].path, MOUNTS[i].type, MOUNTS[i].flags, MOUNTS[i].options);
  }
  for (size_t i = 0; i < sizeof LINKS / sizeof *LINKS; i++)
    if (symlink(LINKS[i][0], LINKS[i][1]) < 0) continue; /* it is there */
  int console = open("/dev/console", O_RDWR | O_NOCTTY);
  for (int i = 0; console >= 0 && i < 3; i++) dup2(console, i);
  if (console > 2) close(console);
  net_loopback();
  int error = call_modules(&base);
  if (error) fprintf(stderr, "vtorque agent: Cannot load %s: %s\n", base.text, strerror(error));
  int64_t until = now_ms() + PORT_WAIT;
  for (int port; now_ms() < until; usleep(1000))
    if ((port = open_port()) >= 0) return port;
  fprintf(stderr, "vtorque agent: Cannot serve: no port named " PORT_NAME " within %d s\n", PORT_WAIT / 1000);
  for (;; sleep(1)) reboot(RB_POWER_OFF);
}
