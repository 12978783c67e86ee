#include "base/mountinfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BOX "89 72 0:48 / /box rw,nosuid,nodev - tmpfs tmpfs rw,size=100k\n"
#define HOSTS "93 72 254:0 /var/a\\040b/hosts /etc/hosts ro,relatime master:2 shared:3 - ext4 /dev/vda rw,discard"

static struct span span_of(const char *text)
{
  return (struct span){text, strlen(text)};
}

static void every_field_is_found_whatever_optional_ones_stand_between(void **state)
{
  (void)state;
  struct span rest = span_of(BOX HOSTS);
  struct mount mount;
  assert_true(mountinfo_next(&rest, &mount));
  assert_true(span_is(mount.root, "/") && span_is(mount.point, "/box") && span_is(mount.type, "tmpfs"));
  assert_true(span_lists(mount.options, "rw") && !span_lists(mount.options, "ro"));
  assert_true(span_is(mount.super_options, "rw,size=100k"));
  assert_true(mountinfo_next(&rest, &mount));
  assert_true(span_is(mount.point, "/etc/hosts") && span_is(mount.type, "ext4"));
  assert_true(span_lists(mount.options, "ro") && span_lists(mount.super_options, "discard"));
  assert_false(mountinfo_next(&rest, &mount));
}

static void damaged_lines_are_passed_over(void **state)
{
  (void)state;
  struct span rest = span_of("\n89 72 0:48 /\n - \n" BOX);
  struct mount mount;
  assert_true(mountinfo_next(&rest, &mount));
  assert_true(span_is(mount.point, "/box"));
  assert_false(mountinfo_next(&rest, &mount));
}

static void a_word_of_a_list_is_a_whole_word(void **state)
{
  (void)state;
  assert_true(span_lists(span_of("a,ro,b"), "ro"));
  assert_true(span_lists(span_of("ro"), "ro"));
  assert_false(span_lists(span_of("errors=remount-ro,rootcontext"), "ro"));
  assert_false(span_lists(span_of(""), "ro"));
}

static void escapes_are_undone_within_the_room(void **state)
{
  (void)state;
  char path[8];
  assert_true(mountinfo_unescape(span_of("/a\\040\\134"), path, sizeof path));
  assert_string_equal(path, "/a \\");
  assert_true(mountinfo_unescape(span_of("/a\\04"), path, sizeof path));
  assert_string_equal(path, "/a\\04");
  assert_true(mountinfo_unescape(span_of("/234567"), path, sizeof path));
  assert_false(mountinfo_unescape(span_of("/2345678"), path, sizeof path));
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_field_is_found_whatever_optional_ones_stand_between),
    cmocka_unit_test(damaged_lines_are_passed_over),
    cmocka_unit_test(a_word_of_a_list_is_a_whole_word),
    cmocka_unit_test(escapes_are_undone_within_the_room),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
