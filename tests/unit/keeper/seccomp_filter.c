#include "keeper/seccomp_rules.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void a_call_is_allowed_or_refused_and_not_both(void **state)
{
  (void)state;
  static const char *const allowed[] = {"read", "write", "execve", "clone", "mmap", "socket", "futex"};
  static const char *const refused[] = {"keyctl", "bpf", "io_uring_setup", "ptrace", "unshare", "setns", "userfaultfd"};
  static const char *const unknown[] = {"clone3", "no_such_call", "modify_ldt"};
  for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
    assert_int_equal(filter_answer_for(allowed[i]), FILTER_ALLOWED);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    assert_int_equal(filter_answer_for(refused[i]), FILTER_REFUSED);
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
    assert_int_equal(filter_answer_for(unknown[i]), FILTER_UNKNOWN);
}

/* uretprobe and uprobe pass by every filter, and are a SIGILL unless the kernel's own trampoline makes them (Linux 6.14). */
static bool is_probe(int number)
{
  return number == 335 || number == 336;
}

/* Every number of this architecture: what the table says is what the kernel does. A refused call is tried for real. */
static void the_kernel_answers_as_the_table_says(void **state)
{
  (void)state;
  pid_t child = fork();
  if (!child) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (filter_load(FILTER_KNOWN) || filter_load(FILTER_QUIET_GATE))
      _exit(100);
    for (int number = 0; number < 500; number++) {
      char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
      enum filter_answer answer = name ? filter_answer_for(name) : FILTER_UNKNOWN;
      if (answer == FILTER_ALLOWED || (name && !strcmp(name, "personality")) || is_probe(number))
        continue;
      errno = 0;
      if (syscall(number, -1, -1, -1, -1, -1, -1) != -1 || errno != (answer == FILTER_REFUSED ? EPERM : ENOSYS)) {
        dprintf(STDERR_FILENO, "# call %d (%s) answers %s\n", number, name ? name : "no name", strerror(errno));
        _exit(1);
      }
    }
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

/* Runs in a child behind both filters; its result is the errno, or 0. */
static int behind_filters(long number, long first, long second, long third)
{
  pid_t child = fork();
  if (!child) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (filter_load(FILTER_KNOWN) || filter_load(FILTER_QUIET_GATE))
      _exit(255);
    _exit(syscall(number, first, second, third, 0, 0, 0) < 0 ? errno : 0);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void arguments_decide_where_they_must(void **state)
{
  (void)state;
  assert_int_equal(behind_filters(SYS_socket, AF_UNIX, SOCK_STREAM, 0), 0);
  assert_int_equal(behind_filters(SYS_socket, AF_PACKET, SOCK_RAW, 0), EAFNOSUPPORT);
  assert_int_equal(behind_filters(SYS_socket, AF_VSOCK, SOCK_STREAM, 0), EAFNOSUPPORT);
  assert_int_equal(behind_filters(SYS_socket, AF_NETLINK, SOCK_RAW, 0), 0);
  assert_int_equal(behind_filters(SYS_socket, AF_NETLINK, SOCK_RAW, 9), EAFNOSUPPORT);
  assert_int_equal(behind_filters(SYS_clone, CLONE_NEWUSER | 17, 0, 0), EPERM);
  assert_int_equal(behind_filters(SYS_clone, CLONE_NEWNET | CLONE_NEWNS | 17, 0, 0), EPERM);
  assert_int_equal(behind_filters(SYS_personality, 0xffffffff, 0, 0), 0);
  assert_int_equal(behind_filters(SYS_personality, 0x0400000, 0, 0), ENOSYS);
  assert_int_equal(behind_filters(SYS_mount, 0, 0, 0), EPERM);
}

static void the_upper_half_of_a_command_hides_nothing(void **state)
{
  (void)state;
  assert_int_equal(behind_filters(SYS_ioctl, 0, 0x5412, 0), EPERM);
  assert_int_equal(behind_filters(SYS_ioctl, 0, 0x100005412, 0), EPERM);
  assert_int_equal(behind_filters(SYS_ioctl, 0, 0x541c, 0), EPERM);
}

/* What may be done to others of one's user, but to process 1 and to all of them. */
static void apart_from_the_keeper_a_process_may_do_what_it_could(void **state)
{
  (void)state;
  pid_t child = fork();
  if (!child) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (filter_load(FILTER_APART))
      _exit(100);
    struct rlimit limit;
    cpu_set_t set;
    if (prlimit(0, RLIMIT_CPU, 0, &limit) || prlimit(getpid(), RLIMIT_CPU, &limit, 0) ||
        sched_getaffinity(1, sizeof set, &set) || sched_setaffinity(0, sizeof set, &set) ||
        setpriority(PRIO_PROCESS, 0, 19) || setpriority(PRIO_PGRP, getpgrp(), 19))
      _exit(1);
    if (prlimit(1, RLIMIT_CPU, &limit, 0) != -1 || errno != EPERM)
      _exit(2);
    if (syscall(SYS_prlimit64, 0x7700000001, RLIMIT_CPU, &limit, 0) != -1 || errno != EPERM)
      _exit(3);
    if (sched_setaffinity(1, sizeof set, &set) != -1 || setpriority(PRIO_PROCESS, 1, 19) != -1 ||
        setpriority(PRIO_USER, 0, 19) != -1)
      _exit(4);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_call_is_allowed_or_refused_and_not_both),
    cmocka_unit_test(apart_from_the_keeper_a_process_may_do_what_it_could),
    cmocka_unit_test(the_kernel_answers_as_the_table_says),
    cmocka_unit_test(arguments_decide_where_they_must),
    cmocka_unit_test(the_upper_half_of_a_command_hides_nothing),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
