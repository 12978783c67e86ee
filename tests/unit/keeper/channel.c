#include "keeper/channel.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct packet {
  uint32_t number;
};

static void open_channel(int ends[2])
{
  assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

static void descriptors_arrive_in_order_and_close_on_exec(void **state)
{
  (void)state;
  int ends[2], fds[CHANNEL_FDS_MAX], sent[2] = {open("/dev/null", O_RDONLY), open("/dev/zero", O_RDONLY)};
  struct packet packet = {7}, received;
  open_channel(ends);
  assert_int_equal(channel_send(ends[0], &packet, sizeof packet, sent, 2), 0);
  assert_int_equal(channel_receive(ends[1], &received, sizeof received, fds), 1);
  assert_int_equal(received.number, 7);
  char byte;
  assert_int_equal(read(fds[0], &byte, 1), 0);
  assert_int_equal(read(fds[1], &byte, 1), 1);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
    close(fds[i]);
    close(sent[i]);
    close(ends[i]);
  }
}

static void absent_descriptors_are_minus_one(void **state)
{
  (void)state;
  int ends[2], fds[CHANNEL_FDS_MAX] = {5, 5};
  struct packet packet = {1};
  open_channel(ends);
  assert_int_equal(channel_send(ends[0], &packet, sizeof packet, 0, 0), 0);
  assert_int_equal(channel_receive(ends[1], &packet, sizeof packet, fds), 1);
  assert_int_equal(fds[0], -1);
  assert_int_equal(fds[1], -1);
  close(ends[0]);
  close(ends[1]);
}

static void nothing_yet_and_nobody_there_are_told_apart(void **state)
{
  (void)state;
  int ends[2], fds[CHANNEL_FDS_MAX];
  struct packet packet;
  open_channel(ends);
  assert_int_equal(channel_receive(ends[1], &packet, sizeof packet, fds), -EAGAIN);
  close(ends[0]);
  assert_int_equal(channel_receive(ends[1], &packet, sizeof packet, fds), 0);
  assert_int_equal(channel_send(ends[1], &packet, sizeof packet, 0, 0), -EPIPE);
  close(ends[1]);
}

static void a_packet_of_another_size_is_no_packet(void **state)
{
  (void)state;
  int ends[2], fds[CHANNEL_FDS_MAX];
  struct packet packet;
  open_channel(ends);
  assert_int_equal(write(ends[0], "12345678", 8), 8);
  assert_int_equal(channel_receive(ends[1], &packet, sizeof packet, fds), -EPROTO);
  assert_int_equal(write(ends[0], "12", 2), 2);
  assert_int_equal(channel_receive(ends[1], &packet, sizeof packet, fds), -EPROTO);
  close(ends[0]);
  close(ends[1]);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(descriptors_arrive_in_order_and_close_on_exec),
    cmocka_unit_test(absent_descriptors_are_minus_one),
    cmocka_unit_test(nothing_yet_and_nobody_there_are_told_apart),
    cmocka_unit_test(a_packet_of_another_size_is_no_packet),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
