#include "base/cgroup_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PROC "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
#define TMPFS "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"

static void in_a_service_of_a_pure_v2_host_the_own_cgroup_is_below_the_mount(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("0::/system.slice/assay.service\n",
               PROC "35 30 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n", &places);
  assert_string_equal(places.v2_own, "/sys/fs/cgroup/system.slice/assay.service");
  assert_string_equal(places.v2_root, "/sys/fs/cgroup");
  assert_string_equal(places.v1_memory, "");
  assert_string_equal(places.v1_pids, "");
  assert_string_equal(places.v1_cpuacct, "");
}

static void in_the_root_cgroup_the_own_one_is_the_mount_itself(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("0::/\n", "35 30 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", &places);
  assert_string_equal(places.v2_own, "/sys/fs/cgroup");
}

static void on_a_hybrid_host_each_controller_has_its_own_place(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("8:pids:/\n4:memory:/user/a b\n2:cpu,cpuacct:/user\n1:name=systemd:/\n0::/init.scope\n",
               PROC TMPFS "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                          "35 31 0:32 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
                          "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                          "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
                          "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
               &places);
  assert_string_equal(places.v2_own, "/sys/fs/cgroup/unified/init.scope");
  assert_string_equal(places.v1_memory, "/sys/fs/cgroup/memory/user/a b");
  assert_string_equal(places.v1_pids, "/sys/fs/cgroup/pids");
  assert_string_equal(places.v1_cpuacct, "/sys/fs/cgroup/cpu,cpuacct/user");
  assert_string_equal(places.v1_cpu, "/sys/fs/cgroup/cpu,cpuacct/user");
}

static void on_a_v1_host_there_is_no_v2_place(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("4:memory:/x\n", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", &places);
  assert_string_equal(places.v2_own, "");
  assert_string_equal(places.v2_root, "");
  assert_string_equal(places.v1_memory, "/sys/fs/cgroup/memory/x");
}

static void a_host_without_cgroups_has_no_places(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("", PROC, &places);
  assert_string_equal(places.v2_own, "");
  assert_string_equal(places.v1_memory, "");
}

static void a_mount_of_a_part_shows_what_is_below_that_part(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("0::/docker/abc/inner\n", "35 31 0:32 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", &places);
  assert_string_equal(places.v2_own, "/sys/fs/cgroup/inner");
  cgroup_parse("0::/docker/abc\n", "35 31 0:32 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", &places);
  assert_string_equal(places.v2_own, "/sys/fs/cgroup");
}

static void a_mount_of_another_part_shows_nothing_of_ours(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("0::/docker/abcdef\n", "35 31 0:32 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n", &places);
  assert_string_equal(places.v2_own, "");
  cgroup_parse("0::/../outside\n", "35 31 0:32 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", &places);
  assert_string_equal(places.v2_own, "");
}

static void a_mount_point_with_a_space_is_unescaped(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("0::/a\n", "35 31 0:32 / /mnt/c\\040group\\134 rw - cgroup2 cgroup rw\n", &places);
  assert_string_equal(places.v2_own, "/mnt/c group\\/a");
}

static void the_mount_on_top_counts(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("0::/a\n", "35 31 0:32 / /below rw - cgroup2 cgroup rw\n36 31 0:32 / /above rw - cgroup2 cgroup rw\n",
               &places);
  assert_string_equal(places.v2_root, "/above");
}

static void damaged_lines_are_passed_over(void **state)
{
  (void)state;
  struct cgroup_places places;
  cgroup_parse("0\n0::\n::\n0::/a", "1 2\n\n35 31 0:32 / /m rw - cgroup2 cgroup rw", &places);
  assert_string_equal(places.v2_own, "/m/a");
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(in_a_service_of_a_pure_v2_host_the_own_cgroup_is_below_the_mount),
    cmocka_unit_test(in_the_root_cgroup_the_own_one_is_the_mount_itself),
    cmocka_unit_test(on_a_hybrid_host_each_controller_has_its_own_place),
    cmocka_unit_test(on_a_v1_host_there_is_no_v2_place),
    cmocka_unit_test(a_host_without_cgroups_has_no_places),
    cmocka_unit_test(a_mount_of_a_part_shows_what_is_below_that_part),
    cmocka_unit_test(a_mount_of_another_part_shows_nothing_of_ours),
    cmocka_unit_test(a_mount_point_with_a_space_is_unescaped),
    cmocka_unit_test(the_mount_on_top_counts),
    cmocka_unit_test(damaged_lines_are_passed_over),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
