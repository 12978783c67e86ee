#include "wire/control.h"

#include "base/fd.h"
#include "wire/isolation.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char some_name[] = "assay-20261122_195800_0123abcd-1";

struct channel {
  int near, far;
};

static int open_channel(void **state)
{
  static struct channel channel;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
    return -1;
  channel = (struct channel){pair[0], pair[1]};
  *state = &channel;
  return 0;
}

static int close_channel(void **state)
{
  struct channel *channel = *state;
  fd_close(channel->near);
  fd_close(channel->far);
  return 0;
}

/* The lowest free descriptor: the same before and after means that nothing was left open. */
static int lowest_free(void)
{
  int fd = dup(STDERR_FILENO);
  close(fd);
  return fd;
}

static int receive(struct channel *channel, struct control_message *ret)
{
  int fd = -1;
  int result = control_receive(channel->far, ret, &fd);
  assert_int_equal(fd, -1);
  return result;
}

/* Sends what control_send() would not: `size` bytes and `count` descriptors. */
static void send_raw(struct channel *channel, const void *data, size_t size, const int *fds, size_t count)
{
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(8 * sizeof(int))];
  } control = {0};
  struct iovec packet = {(void *)data, size};
  struct msghdr header = {.msg_iov = &packet, .msg_iovlen = 1};
  if (count) {
    header.msg_control = control.bytes;
    header.msg_controllen = CMSG_SPACE(count * sizeof *fds);
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof *fds);
    memcpy(CMSG_DATA(rights), fds, count * sizeof *fds);
  }
  assert_int_equal(sendmsg(channel->near, &header, MSG_NOSIGNAL), size);
}

static void a_message_arrives_as_it_was_sent(void **state)
{
  struct channel *channel = *state;
  for (unsigned type = CONTROL_NONE + 1; type < CONTROL_TYPE_COUNT; type++) {
    struct control_message sent = control_make(type, some_name), got;
    sent.value = KILLED_CANCELLED;
    sent.code = ENOENT;
    strcpy(sent.text, "no such command");
    assert_int_equal(control_send(channel->near, &sent, -1), 0);
    assert_int_equal(receive(channel, &got), 1);
    assert_memory_equal(&sent, &got, sizeof got);
  }
}

static void a_descriptor_arrives_close_on_exec(void **state)
{
  struct channel *channel = *state;
  int free_before = lowest_free();
  CLEANUP_FD int file = memfd_create("plan", 0);
  assert_true(fd_write_all(file, "plan", 4));
  struct control_message sent = control_make(CONTROL_RUN, some_name), got;
  assert_int_equal(control_send(channel->near, &sent, file), 0);
  int fd = -1;
  assert_int_equal(control_receive(channel->far, &got, &fd), 1);
  assert_true(fd >= 0 && fd != file);
  assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  struct stat sent_status, got_status;
  assert_int_equal(fstat(file, &sent_status), 0);
  assert_int_equal(fstat(fd, &got_status), 0);
  assert_int_equal(sent_status.st_ino, got_status.st_ino);
  fd_close(fd);
  fd_close(take_fd(&file));
  assert_int_equal(lowest_free(), free_before);
}

static void surplus_descriptors_are_closed_and_the_message_refused(void **state)
{
  struct channel *channel = *state;
  struct control_message message = control_make(CONTROL_RUN, some_name), got;
  int free_before = lowest_free();
  for (size_t count = 2; count <= 8; count++) {
    int fds[8] = {0, 1, 2, 0, 1, 2, 0, 1};
    send_raw(channel, &message, sizeof message, fds, count);
    assert_int_equal(receive(channel, &got), -EPROTO);
    assert_int_equal(lowest_free(), free_before);
  }
}

static void a_refused_message_leaves_no_descriptor_behind(void **state)
{
  struct channel *channel = *state;
  struct control_message message = control_make(CONTROL_RUN, some_name), got;
  message.magic++;
  int free_before = lowest_free();
  assert_int_equal(control_send(channel->near, &message, STDERR_FILENO), 0);
  assert_int_equal(receive(channel, &got), -EPROTO);
  assert_int_equal(lowest_free(), free_before);
}

static void a_packet_of_another_size_is_nonsense(void **state)
{
  struct channel *channel = *state;
  struct {
    struct control_message message;
    char more;
  } large = {.message = control_make(CONTROL_IDLE, 0)};
  struct control_message got;
  const size_t sizes[] = {1, sizeof got - 1, sizeof got + 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    send_raw(channel, &large, sizes[i], 0, 0);
    assert_int_equal(receive(channel, &got), -EPROTO);
  }
}

static void nonsense_in_any_field_is_refused(void **state)
{
  struct channel *channel = *state;
  struct control_message wrong[10], got;
  for (size_t i = 0; i < 10; i++)
    wrong[i] = control_make(CONTROL_KILL, some_name);
  wrong[0].magic = 0;
  wrong[1].type = CONTROL_NONE;
  wrong[2].type = CONTROL_TYPE_COUNT;
  wrong[3].type = UINT32_MAX;
  wrong[4].name.text[0] = 0; /* a kill of nothing */
  strcpy(wrong[5].name.text, "../../etc");
  memset(wrong[6].name.text, 'a', sizeof wrong[6].name.text);
  memset(wrong[7].text, 'a', sizeof wrong[7].text);
  wrong[8].value = KILL_REASON_COUNT;
  wrong[9] = control_make(CONTROL_HELLO, 0);
  wrong[9].value = 1u << ISOLATION_FEATURE_COUNT;
  for (size_t i = 0; i < 10; i++) {
    assert_int_equal(control_send(channel->near, &wrong[i], -1), 0);
    assert_int_equal(receive(channel, &got), -EPROTO);
  }
}

static void messages_about_no_attempt_need_no_name(void **state)
{
  struct channel *channel = *state;
  static const enum control_type nameless[] = {CONTROL_HELLO, CONTROL_IDLE, CONTROL_QUIT};
  for (size_t i = 0; i < sizeof nameless / sizeof *nameless; i++) {
    struct control_message sent = control_make(nameless[i], 0), got;
    assert_int_equal(control_send(channel->near, &sent, -1), 0);
    assert_int_equal(receive(channel, &got), 1);
    assert_string_equal(got.name.text, "");
  }
}

static void nothing_to_read_is_try_again_and_a_closed_peer_is_zero(void **state)
{
  struct channel *channel = *state;
  struct control_message got;
  assert_int_equal(receive(channel, &got), -EAGAIN);
  fd_close(take_fd(&channel->near));
  assert_int_equal(receive(channel, &got), 0);
}

static void a_peer_that_left_our_packets_unread_is_closed_too(void **state)
{
  struct channel *channel = *state;
  struct control_message message = control_make(CONTROL_IDLE, 0), got;
  assert_int_equal(control_send(channel->far, &message, -1), 0);
  fd_close(take_fd(&channel->near));
  assert_int_equal(receive(channel, &got), 0);
}

static void sending_to_a_closed_peer_is_an_error_and_no_signal(void **state)
{
  struct channel *channel = *state;
  fd_close(take_fd(&channel->far));
  struct control_message message = control_make(CONTROL_IDLE, 0);
  assert_int_equal(control_send(channel->near, &message, -1), -EPIPE);
}

static void a_full_socket_never_blocks_the_sender(void **state)
{
  struct channel *channel = *state;
  struct control_message message = control_make(CONTROL_IDLE, 0);
  int result = 0;
  for (unsigned i = 0; i < 100000 && result == 0; i++)
    result = control_send(channel->near, &message, -1);
  assert_int_equal(result, -EAGAIN);
}

static void types_have_names(void **state)
{
  (void)state;
  assert_string_equal(control_type_name(CONTROL_RUN), "run");
  assert_string_equal(control_type_name(CONTROL_KNOWN), "known");
}

#define with_channel(test) cmocka_unit_test_setup_teardown(test, open_channel, close_channel)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_channel(a_message_arrives_as_it_was_sent),
    with_channel(a_descriptor_arrives_close_on_exec),
    with_channel(surplus_descriptors_are_closed_and_the_message_refused),
    with_channel(a_refused_message_leaves_no_descriptor_behind),
    with_channel(a_packet_of_another_size_is_nonsense),
    with_channel(nonsense_in_any_field_is_refused),
    with_channel(messages_about_no_attempt_need_no_name),
    with_channel(nothing_to_read_is_try_again_and_a_closed_peer_is_zero),
    with_channel(a_peer_that_left_our_packets_unread_is_closed_too),
    with_channel(sending_to_a_closed_peer_is_an_error_and_no_signal),
    with_channel(a_full_socket_never_blocks_the_sender),
    cmocka_unit_test(types_have_names),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
