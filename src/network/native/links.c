/* Network links of the namespace that this process is in: a bridge, and taps in it. */
#define _GNU_SOURCE
#include "jobnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* One request to the kernel about a link. */
struct request {
  struct nlmsghdr head;
  struct ifinfomsg link;
  char attributes[512];
};

static struct request about(int index, int flags) {
  struct request request;
  memset(&request, 0, sizeof request);
  request.head.nlmsg_len = NLMSG_LENGTH(sizeof request.link);
  request.head.nlmsg_type = RTM_NEWLINK;
  request.head.nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags);
  request.link.ifi_index = index;
  return request;
}

static struct rtattr *add(struct request *request, int type, const void *data, size_t length) {
  size_t at = NLMSG_ALIGN(request->head.nlmsg_len);
  struct rtattr *attribute = (struct rtattr *)((char *)request + at);
  attribute->rta_type = (unsigned short)type;
  attribute->rta_len = (unsigned short)RTA_LENGTH(length);
  if (length > 0) memcpy(RTA_DATA(attribute), data, length);
  request->head.nlmsg_len = (unsigned)(at + RTA_ALIGN(attribute->rta_len));
  return attribute;
}

/* What is added from here to close_nested() is in the attribute. */
static struct rtattr *nested(struct request *request, int type) {
  return add(request, type, NULL, 0);
}

static void close_nested(struct request *request, struct rtattr *attribute) {
  attribute->rta_len = (unsigned short)((char *)request + request->head.nlmsg_len - (char *)attribute);
}

/* Zero, or an error number. */
static int ask(const struct request *request) {
  int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (kernel < 0) return errno;
  struct {
    struct nlmsghdr head;
    struct nlmsgerr error;
    char rest[1024];
  } answer;
  int result = EPROTO;
  if (send(kernel, request, request->head.nlmsg_len, 0) < 0 || recv(kernel, &answer, sizeof answer, 0) < 0)
    result = errno;
  else if (answer.head.nlmsg_type == NLMSG_ERROR)
    result = -answer.error.error;
  close(kernel);
  return result;
}

/* No address by itself, not even a link-local one: nothing but the VMs is to be reached in this network. */
static void without_ipv6(unsigned index) {
  struct request request = about((int)index, 0);
  unsigned char none = IN6_ADDR_GEN_MODE_NONE;
  struct rtattr *families = nested(&request, IFLA_AF_SPEC), *family = nested(&request, AF_INET6);
  add(&request, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
  close_nested(&request, family);
  close_nested(&request, families);
  int error = ask(&request);
  /* A kernel without IPv6 has nothing to turn off. */
  if (error == 0 || error == EAFNOSUPPORT || error == EOPNOTSUPP) return;
  errno = error;
  fail(NO_BRIDGE, "IPv6 cannot be turned off");
}

static void bring_up(unsigned index, int mtu, unsigned master) {
  struct request request = about((int)index, 0);
  request.link.ifi_flags = request.link.ifi_change = IFF_UP;
  add(&request, IFLA_MTU, &mtu, sizeof mtu);
  if (master != 0) add(&request, IFLA_MASTER, &master, sizeof master);
  errno = ask(&request);
  if (errno == EINVAL) fail(BAD_MTU, "no MTU %d", mtu);
  if (errno != 0) fail(NO_BRIDGE, "a link cannot be brought up");
}

/* Where the kernel has it, frames in a bridge pass the node's IP filter: no rule is there, but each frame is looked at. */
static void without_filter(void) {
  static const char *const files[] = {
      "/proc/sys/net/bridge/bridge-nf-call-iptables",
      "/proc/sys/net/bridge/bridge-nf-call-ip6tables",
      "/proc/sys/net/bridge/bridge-nf-call-arptables",
  };
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    int file = open(files[i], O_WRONLY | O_CLOEXEC);
    if (file < 0) continue;
    /* Frames pass also when it stays on. */
    if (write(file, "0", 1) < 0) errno = 0;
    close(file);
  }
}

void make_bridge(const char *name, int mtu) {
  struct request request = about(0, NLM_F_CREATE | NLM_F_EXCL);
  add(&request, IFLA_IFNAME, name, strlen(name) + 1);
  struct rtattr *info = nested(&request, IFLA_LINKINFO);
  add(&request, IFLA_INFO_KIND, "bridge", sizeof "bridge");
  struct rtattr *data = nested(&request, IFLA_INFO_DATA);
  unsigned no_delay = 0;
  unsigned char no_snooping = 0;
  add(&request, IFLA_BR_FORWARD_DELAY, &no_delay, sizeof no_delay);
  add(&request, IFLA_BR_MCAST_SNOOPING, &no_snooping, sizeof no_snooping);
  close_nested(&request, data);
  close_nested(&request, info);
  errno = ask(&request);
  if (errno != 0) fail(NO_BRIDGE, "no bridge");
  without_filter();
  unsigned index = if_nametoindex(name);
  without_ipv6(index);
  bring_up(index, mtu, 0);
}

void join_bridge(const char *bridge, const char *name, int mtu) {
  unsigned index = if_nametoindex(name), master = if_nametoindex(bridge);
  if (index == 0 || master == 0) fail(HOLDER_GONE, "the job's network has no link \"%s\"", index == 0 ? name : bridge);
  without_ipv6(index);
  bring_up(index, mtu, master);
}

int open_tap(const char *name, short flags, enum exit_code code) {
  int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (tap < 0) fail(NO_TUN, "/dev/net/tun");
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = flags;
  if (ioctl(tap, TUNSETIFF, &request) < 0) fail(code, "tap \"%s\"", name);
  return tap;
}

int open_copied_tap(const char *name, enum exit_code code) {
  int tap = open_tap(name, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, code), header = VNET_HEADER, little_endian = 1;
  if (ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) < 0 ||
      ioctl(tap, TUNSETVNETHDRSZ, &header) < 0 || ioctl(tap, TUNSETVNETLE, &little_endian) < 0)
    fail(code, "no offloading");
  return tap;
}

int make_copied_tap(const char *bridge, const char *name, int mtu) {
  int tap = open_copied_tap(name, NO_TAP);
  join_bridge(bridge, name, mtu);
  return tap;
}
