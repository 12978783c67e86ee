#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* A directory "inside" to open things beneath, beside a file "secret" that must stay out of reach. */
struct place {
  char path[64];
  int outside, inside;
};

static void make_file(int directory, const char *path, const char *text)
{
  CLEANUP_FD int fd = openat(directory, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  assert_true(fd >= 0);
  assert_true(fd_write_all(fd, text, strlen(text)));
}

static int make_place(void **state)
{
  static struct place place;
  strcpy(place.path, "/tmp/assay-test-fd-XXXXXX");
  if (!mkdtemp(place.path))
    return -1;
  place.outside = open(place.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (mkdirat(place.outside, "inside", 0700) < 0 || mkdirat(place.outside, "inside/directory", 0700) < 0)
    return -1;
  place.inside = openat(place.outside, "inside", O_PATH | O_DIRECTORY | O_CLOEXEC);
  make_file(place.outside, "secret", "secret");
  make_file(place.inside, "file", "hello");
  make_file(place.inside, "directory/file", "deep");
  if (symlinkat("file", place.inside, "link") < 0 || symlinkat("../secret", place.inside, "escape") < 0 ||
      symlinkat("directory", place.inside, "linked") < 0 || symlinkat("..", place.inside, "up") < 0 ||
      symlinkat("nowhere", place.inside, "dangling") < 0)
    return -1;
  *state = &place;
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
  (void)status, (void)flag, (void)walk;
  return remove(path);
}

static int remove_place(void **state)
{
  struct place *place = *state;
  fd_close(place->inside);
  fd_close(place->outside);
  return nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int open_result(const struct place *place, const char *path, int flags)
{
  int fd = open_beneath(place->inside, path, flags, 0600);
  fd_close(fd);
  return fd < 0 ? fd : 0;
}

static void what_lies_beneath_can_be_opened(void **state)
{
  const struct place *place = *state;
  assert_int_equal(open_result(place, "file", O_RDONLY), 0);
  assert_int_equal(open_result(place, "./file", O_RDONLY), 0);
  assert_int_equal(open_result(place, "directory/file", O_RDONLY), 0);
  assert_int_equal(open_result(place, "directory/new", O_WRONLY | O_CREAT | O_EXCL), 0);
  assert_int_equal(open_result(place, "directory/new", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
  assert_int_equal(open_result(place, "absent", O_RDONLY), -ENOENT);
}

static void opened_descriptors_are_not_inherited(void **state)
{
  const struct place *place = *state;
  CLEANUP_FD int fd = open_beneath(place->inside, "file", O_RDONLY, 0);
  assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void nothing_above_can_be_opened(void **state)
{
  const struct place *place = *state;
  assert_int_equal(open_result(place, "..", O_RDONLY | O_DIRECTORY), -EXDEV);
  assert_int_equal(open_result(place, "../secret", O_RDONLY), -EXDEV);
  assert_int_equal(open_result(place, "directory/../../secret", O_RDONLY), -EXDEV);
  CLEANUP_FREE char *absolute = xasprintf("%s/inside/file", place->path);
  assert_int_equal(open_result(place, absolute, O_RDONLY), -EXDEV);
  assert_int_equal(open_result(place, "/", O_RDONLY | O_DIRECTORY), -EXDEV);
}

static void no_symbolic_link_is_followed(void **state)
{
  const struct place *place = *state;
  assert_int_equal(open_result(place, "link", O_RDONLY), -ELOOP);
  assert_int_equal(open_result(place, "escape", O_RDONLY), -ELOOP);
  assert_int_equal(open_result(place, "linked/file", O_RDONLY), -ELOOP);
  assert_int_equal(open_result(place, "up/secret", O_RDONLY), -ELOOP);
  assert_int_equal(open_result(place, "dangling", O_WRONLY | O_CREAT), -ELOOP);
}

static void no_magic_link_is_followed(void **state)
{
  (void)state;
  CLEANUP_FD int directory = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
  CLEANUP_FD int target = memfd_create("target", MFD_CLOEXEC);
  char path[32];
  snprintf(path, sizeof path, "fd/%d", target);
  assert_int_equal(open_beneath(directory, path, O_RDONLY, 0), -ELOOP);
  assert_int_equal(open_beneath(directory, "root", O_RDONLY | O_DIRECTORY, 0), -ELOOP);
}

static void parents_are_made_and_the_last_component_is_not(void **state)
{
  const struct place *place = *state;
  assert_int_equal(mkdir_parents_beneath(place->inside, "a/b/c", 0700), 0);
  struct stat status;
  assert_int_equal(fstatat(place->inside, "a/b", &status, AT_SYMLINK_NOFOLLOW), 0);
  assert_true(S_ISDIR(status.st_mode));
  assert_int_equal(fstatat(place->inside, "a/b/c", &status, AT_SYMLINK_NOFOLLOW), -1);
  assert_int_equal(mkdir_parents_beneath(place->inside, "a/b/c", 0700), 0);
  assert_int_equal(mkdir_parents_beneath(place->inside, "single", 0700), 0);
}

static void making_parents_never_passes_a_symbolic_link(void **state)
{
  const struct place *place = *state;
  assert_int_equal(mkdir_parents_beneath(place->inside, "linked/made/x", 0700), -ELOOP);
  assert_int_equal(mkdir_parents_beneath(place->inside, "up/made/x", 0700), -ELOOP);
  assert_int_equal(mkdir_parents_beneath(place->inside, "dangling/made/x", 0700), -ELOOP);
  assert_int_equal(faccessat(place->inside, "directory/made", F_OK, AT_SYMLINK_NOFOLLOW), -1);
  assert_int_equal(faccessat(place->outside, "made", F_OK, AT_SYMLINK_NOFOLLOW), -1);
  assert_int_equal(faccessat(place->inside, "nowhere", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void making_parents_never_leaves_the_directory(void **state)
{
  const struct place *place = *state;
  assert_int_equal(mkdir_parents_beneath(place->inside, "../made/x", 0700), -EXDEV);
  assert_int_equal(mkdir_parents_beneath(place->inside, "/made/x", 0700), -ENOENT);
  assert_int_equal(faccessat(place->outside, "made", F_OK, AT_SYMLINK_NOFOLLOW), -1);
  assert_int_equal(mkdir_parents_beneath(place->inside, "file/x", 0700), -ENOTDIR);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
  const struct place *place = *state;
  char path[5000];
  memset(path, 'a', sizeof path);
  path[sizeof path - 1] = 0;
  assert_int_equal(mkdir_parents_beneath(place->inside, path, 0700), -ENAMETOOLONG);
}

static void a_file_is_read_whole_and_within_its_bound(void **state)
{
  const struct place *place = *state;
  struct error error = {0};
  CLEANUP_BLOB struct blob *whole = file_read(place->inside, "file", 5, &error);
  assert_non_null(whole);
  assert_int_equal(whole->size, 5);
  assert_string_equal((char *)whole->data, "hello");
  assert_null(file_read(place->inside, "file", 4, &error));
  assert_int_equal(error.kind, ERROR_TOO_LARGE);
  assert_null(file_read(place->inside, "absent", 4, &error));
  assert_int_equal(error.code, ENOENT);
}

static void a_control_file_is_written_in_place(void **state)
{
  const struct place *place = *state;
  assert_int_equal(file_write_once(place->inside, "file", "HE"), 0);
  CLEANUP_BLOB struct blob *text = file_read(place->inside, "file", 100, 0);
  assert_string_equal((char *)text->data, "HEllo");
  assert_int_equal(file_write_once(place->inside, "absent", "x"), -ENOENT);
}

static void reading_all_tells_the_end_from_an_error(void **state)
{
  (void)state;
  int ends[2];
  assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
  char data[4] = "";
  assert_true(fd_write_all(ends[1], "abc", 3));
  close(ends[1]);
  assert_false(fd_read_all(ends[0], data, 4));
  assert_int_equal(errno, 0);
  assert_memory_equal(data, "abc", 3);
  close(ends[0]);
  assert_false(fd_read_all(ends[0], data, 1));
  assert_int_equal(errno, EBADF);
  assert_false(fd_write_all(ends[0], data, 1));
  assert_int_equal(errno, EBADF);
}

static void closing_keeps_errno_and_accepts_nothing(void **state)
{
  (void)state;
  errno = EIO;
  fd_close(-1);
  fd_close(12345);
  assert_int_equal(errno, EIO);
}

static void a_taken_descriptor_is_no_longer_closed(void **state)
{
  (void)state;
  int kept;
  {
    CLEANUP_FD int fd = dup(STDERR_FILENO);
    kept = TAKE_FD(fd);
    assert_int_equal(fd, -1);
  }
  assert_int_equal(close(kept), 0);
}

static void a_range_of_descriptors_is_closed_and_no_other(void **state)
{
  (void)state;
  int fds[4];
  for (int i = 0; i < 4; i++)
    fds[i] = fcntl(STDERR_FILENO, F_DUPFD, 100 + i);
  fd_close_range((unsigned)fds[1], (unsigned)fds[2]);
  assert_int_equal(fcntl(fds[1], F_GETFD), -1);
  assert_int_equal(fcntl(fds[2], F_GETFD), -1);
  fd_close_on_exec_from((unsigned)fds[3]);
  assert_int_equal(fcntl(fds[3], F_GETFD), FD_CLOEXEC);
  assert_int_equal(fcntl(fds[0], F_GETFD), 0);
  assert_int_equal(close(fds[0]), 0);
  assert_int_equal(close(fds[3]), 0);
}

/* As container managers do that are older than these calls. It cannot be undone: whatever comes after lives with it. */
static void newer_calls_are_refused_from_here_on(void **state)
{
  (void)state;
  struct sock_filter instructions[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog program = {sizeof instructions / sizeof *instructions, instructions};
  assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
  assert_int_equal(syscall(SYS_close_range, ~0u, ~0u, 0), -1);
  assert_int_equal(errno, EPERM);
}

#define with_place(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    with_place(what_lies_beneath_can_be_opened),
    with_place(opened_descriptors_are_not_inherited),
    with_place(nothing_above_can_be_opened),
    with_place(no_symbolic_link_is_followed),
    cmocka_unit_test(no_magic_link_is_followed),
    with_place(parents_are_made_and_the_last_component_is_not),
    with_place(making_parents_never_passes_a_symbolic_link),
    with_place(making_parents_never_leaves_the_directory),
    with_place(a_path_that_is_too_long_is_refused),
    with_place(a_file_is_read_whole_and_within_its_bound),
    with_place(a_control_file_is_written_in_place),
    cmocka_unit_test(reading_all_tells_the_end_from_an_error),
    cmocka_unit_test(closing_keeps_errno_and_accepts_nothing),
    cmocka_unit_test(a_taken_descriptor_is_no_longer_closed),
    cmocka_unit_test(a_range_of_descriptors_is_closed_and_no_other),
    cmocka_unit_test(newer_calls_are_refused_from_here_on),
    cmocka_unit_test(a_range_of_descriptors_is_closed_and_no_other),
    with_place(what_lies_beneath_can_be_opened),
    with_place(opened_descriptors_are_not_inherited),
    with_place(nothing_above_can_be_opened),
    with_place(no_symbolic_link_is_followed),
    cmocka_unit_test(no_magic_link_is_followed),
    with_place(parents_are_made_and_the_last_component_is_not),
    with_place(making_parents_never_passes_a_symbolic_link),
    with_place(making_parents_never_leaves_the_directory),
    with_place(a_path_that_is_too_long_is_refused),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
