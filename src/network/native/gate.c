/*
 * What of a job may go to slirp4netns. With --disable-host-loopback that keeps connections to its gateway's address from the
 * node's loopback, but not those to 127.0.0.1 itself, for which a guest need only change its routes (slirp4netns 1.2.0,
 * libslirp 4.7.0). So only what can be meant for outside passes, and only what is sent to slirp4netns and to nobody else.
 */
#define _GNU_SOURCE
#include "jobnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { ETHERNET = 14, ARP_LENGTH = 28, IPV4_LENGTH = 20, TYPE_ARP = 0x0806, TYPE_IPV4 = 0x0800 };
enum { ICMP = 1, TCP = 6, UDP = 17, DNS_PORT = 53 };
/* Places of slirp4netns in a subnet. */
enum { GATEWAY_OFFSET = 2, DNS_OFFSET = 3 };

struct subnet read_subnet(const char *text) {
  char address[INET_ADDRSTRLEN];
  const char *slash = strchr(text, '/');
  struct in_addr base;
  errno = 0;
  if (slash != NULL && (size_t)(slash - text) < sizeof address) {
    snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
    uint32_t mask = ~UINT32_C(0) << (32 - number(slash + 1, 1, 30));
    if (inet_pton(AF_INET, address, &base) == 1 && (ntohl(base.s_addr) & ~mask) == 0)
      return (struct subnet){.base = ntohl(base.s_addr), .mask = mask};
  }
  fail(BAD_USAGE, "not a subnet: \"%s\"", text);
}

static uint32_t word(const unsigned char *at) {
  uint32_t value;
  memcpy(&value, at, sizeof value);
  return ntohl(value);
}

static unsigned half(const unsigned char *at) {
  return (unsigned)at[0] << 8 | at[1];
}

/* Addresses of this node, of none, and of groups. */
static bool is_elsewhere(uint32_t address) {
  uint32_t first = address >> 24;
  return first != 0 && first != 127 && first < 224;
}

/* A hardware address of slirp4netns: 52:55, and the address in the subnet that it answers for. */
static bool is_outbound(const struct subnet *subnet, const unsigned char *mac) {
  uint32_t address = word(mac + 2);
  return half(mac) == 0x5255 && (address == subnet->base + GATEWAY_OFFSET || address == subnet->base + DNS_OFFSET);
}

bool may_leave(const struct subnet *subnet, const unsigned char *frame, size_t length) {
  static const unsigned char everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  if (length < VNET_HEADER + ETHERNET) return false;
  const unsigned char *destination = frame + VNET_HEADER;
  unsigned type = half(destination + 12);
  /* What is for all comes to the gates of all nodes, each of which would let it out. */
  bool asks = type == TYPE_ARP && memcmp(destination, everybody, sizeof everybody) == 0;
  if (!asks && !is_outbound(subnet, destination)) return false;
  const unsigned char *packet = frame + VNET_HEADER + ETHERNET;
  length -= VNET_HEADER + ETHERNET;
  if (type == TYPE_ARP) return length >= ARP_LENGTH;
  /* Without options: one of them would tell another destination. */
  if (type != TYPE_IPV4 || length < IPV4_LENGTH + 4 || packet[0] != 0x45) return false;
  uint32_t from = word(packet + 12), to = word(packet + 16);
  unsigned protocol = packet[9];
  if ((from & subnet->mask) != subnet->base) return false;
  if ((to & subnet->mask) != subnet->base) return is_elsewhere(to);
  if (to == subnet->base + GATEWAY_OFFSET) return protocol == ICMP;
  bool fragment = (half(packet + 6) & 0x1fff) != 0;
  return to == subnet->base + DNS_OFFSET && !fragment && (protocol == UDP || protocol == TCP) &&
         half(packet + IPV4_LENGTH + 2) == DNS_PORT;
}
