#include "api/compat/quantity.h"

#include "../testing.h"

#include <stdio.h>

struct row {
  const char *text;
  uint64_t value;
};

static void check(const struct row *rows, size_t count, unsigned scale)
{
  for (size_t i = 0; i < count; i++) {
    uint64_t value = 42;
    if (!quantity_parse(rows[i].text, scale, &value) || value != rows[i].value)
      fail_msg("%s is %llu, not %llu", rows[i].text, (unsigned long long)value, (unsigned long long)rows[i].value);
  }
}
#define CHECK(rows, scale) check(rows, sizeof(rows) / sizeof *(rows), scale)

static void memory_is_bytes(void **state)
{
  (void)state;
  static const struct row rows[] = {
    {"0", 0},
    {"1", 1},
    {"128974848", 128974848},
    {"512Mi", 512ull << 20},
    {"1Gi", 1ull << 30},
    {"1024Ki", 1 << 20},
    {"1.5Gi", 3ull << 29},
    {"1.Gi", 1ull << 30},
    {".5Ki", 512},
    {"2Ti", 2ull << 40},
    {"1Pi", 1ull << 50},
    {"15Ei", 15ull << 60},
    {"129M", 129000000},
    {"1k", 1000},
    {"3G", 3000000000},
    {"2T", 2000000000000},
    {"1P", 1000000000000000},
    {"1E", 1000000000000000000},
    {"129e6", 129000000},
    {"1.5E3", 1500},
    {"12e+2", 1200},
    {"1000e-3", 1},
    {"999999999999999999", 999999999999999999},
  };
  CHECK(rows, 1);
}

static void processors_are_millicores(void **state)
{
  (void)state;
  static const struct row rows[] = {
    {"500m", 500}, {"0.5", 500},   {"1", 1000},     {"2", 2000},
    {"0.1", 100},  {"1e1", 10000}, {"100", 100000}, {"1k", 1000000},
  };
  CHECK(rows, 1000);
}

static void what_is_no_whole_unit_is_rounded_up(void **state)
{
  (void)state;
  static const struct row bytes[] = {{"0.1", 1},   {"1m", 1}, {"1001m", 2}, {"1.0000001Ki", 1025},
                                     {"1e-24", 1}, {"0.0", 0}};
  static const struct row millicores[] = {{"0.0001", 1}, {"0.5001", 501}, {"1.5m", 2}};
  CHECK(bytes, 1);
  CHECK(millicores, 1000);
}

static void what_is_too_much_is_the_most(void **state)
{
  (void)state;
  static const struct row rows[] = {
    {"16Ei", UINT64_MAX},
    {"19E", UINT64_MAX},
    {"999999999999999999Ei", UINT64_MAX},
    {"1e24", UINT64_MAX},
    {"999999999999999999e24", UINT64_MAX},
  };
  CHECK(rows, 1);
  CHECK(rows, 1000);
}

static void anything_else_is_refused(void **state)
{
  (void)state;
  static const char *const texts[] = {
    "",
    " ",
    ".",
    "-1",
    "+1",
    "Mi",
    "m",
    "1 Mi",
    "1Mi ",
    " 1",
    "1mi",
    "1KI",
    "1K",
    "1MB",
    "1Mib",
    "1.2.3",
    "1e",
    "1e-",
    "1e+-2",
    "1e25",
    "1e99999999999",
    "1e2Mi",
    "0x10",
    "1,5",
    "inf",
    "nan",
    "1u",
    "1i",
    "1mm",
    "1234567890123456789",
    "0.1234567890123456789",
    "half",
  };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    uint64_t value = 42;
    if (quantity_parse(texts[i], 1, &value))
      fail_msg("\"%s\" was taken as %llu", texts[i], (unsigned long long)value);
    assert_int_equal(value, 42);
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(memory_is_bytes),
    cmocka_unit_test(processors_are_millicores),
    cmocka_unit_test(what_is_no_whole_unit_is_rounded_up),
    cmocka_unit_test(what_is_too_much_is_the_most),
    cmocka_unit_test(anything_else_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
