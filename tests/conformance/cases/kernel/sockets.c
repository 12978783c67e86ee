// Only sockets that ordinary programs use can be made, and none that reaches the kernel or the machine.
//
// [expect]
// verdict = "completed"
// stdout = "all refused\n"
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static const struct {
  const char *name;
  int family, type, protocol;
} sockets[] = {
  {"AF_VSOCK", 40, SOCK_STREAM, 0},
  {"AF_PACKET", AF_PACKET, SOCK_RAW, 0},
  {"AF_ALG", AF_ALG, SOCK_SEQPACKET, 0},
  {"raw IPv4", AF_INET, SOCK_RAW, 1},
  {"raw IPv6", AF_INET6, SOCK_RAW, 58},
  {"AF_KEY", AF_KEY, SOCK_RAW, 2},
  {"AF_BLUETOOTH", AF_BLUETOOTH, SOCK_RAW, 1},
  {"AF_XDP", 44, SOCK_RAW, 0},
  {"AF_TIPC", AF_TIPC, SOCK_DGRAM, 0},
  {"AF_RDS", AF_RDS, SOCK_SEQPACKET, 0},
  {"AF_CAN", AF_CAN, SOCK_RAW, 1},
  {"AF_AX25", AF_AX25, SOCK_DGRAM, 0},
  {"netfilter", AF_NETLINK, SOCK_RAW, 12},
  {"kernel events", AF_NETLINK, SOCK_RAW, 15},
  {"audit", AF_NETLINK, SOCK_RAW, 9},
};

int main(void)
{
  int allowed = 0;
  for (unsigned i = 0; i < sizeof sockets / sizeof *sockets; i++)
    if (socket(sockets[i].family, sockets[i].type, sockets[i].protocol) >= 0) {
      printf("%s: allowed\n", sockets[i].name);
      allowed++;
    }
  if (!allowed)
    puts("all refused");
}
