#include "backend/docker/archive.h"

#include "base/buffer.h"
#include "base/fd.h"
#include "wire/record.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "assay-20261122_195800_0123abcd-1"

struct place {
  char path[64];
  int directory; /* of all attempts */
  struct name name;
};

static int make_place(void **state)
{
  struct place *place = xcalloc(1, sizeof *place);
  strcpy(place->path, "/tmp/assay-archive-XXXXXX");
  place->name = name_make("20261122_195800_0123abcd", 1);
  *state = place;
  if (!mkdtemp(place->path))
    return -1;
  place->directory = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return place->directory < 0 ? -1 : 0;
}

static int remove_place(void **state)
{
  struct place *place = *state;
  CLEANUP_FREE char *command = xasprintf("rm -r '%s'", place->path);
  const int result = system(command); /* NOLINT(cert-env33-c): a constant but for the directory that was made */
  fd_close(place->directory);
  free(place);
  return result;
}

/* An archive under way, written as Docker and Podman do: pax headers. */
struct tar {
  struct archive *archive;
  struct buffer bytes;
};

static la_ssize_t collect(struct archive *archive, void *context, const void *bytes, size_t size)
{
  (void)archive;
  buffer_append(context, bytes, size);
  return (la_ssize_t)size;
}

static void tar_begin(struct tar *tar)
{
  *tar = (struct tar){.archive = archive_write_new()};
  assert_int_equal(archive_write_set_format_pax_restricted(tar->archive), ARCHIVE_OK);
  assert_int_equal(archive_write_set_bytes_per_block(tar->archive, 0), ARCHIVE_OK);
  assert_int_equal(archive_write_open2(tar->archive, &tar->bytes, 0, collect, 0, 0), ARCHIVE_OK);
}

static void tar_add(struct tar *tar, const char *path, unsigned type, const void *data, size_t size)
{
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, path);
  archive_entry_set_filetype(entry, type);
  archive_entry_set_perm(entry, 0644);
  archive_entry_set_size(entry, (la_int64_t)size);
  if (type == AE_IFLNK)
    archive_entry_set_symlink(entry, "/etc/passwd");
  assert_int_equal(archive_write_header(tar->archive, entry), ARCHIVE_OK);
  assert_int_equal(archive_write_data(tar->archive, data, size), size);
  archive_entry_free(entry);
}

static void tar_add_hard_link(struct tar *tar, const char *path)
{
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, path);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_hardlink(entry, "/etc/passwd");
  assert_int_equal(archive_write_header(tar->archive, entry), ARCHIVE_OK);
  archive_entry_free(entry);
}

static void tar_add_text(struct tar *tar, const char *path, const char *text)
{
  tar_add(tar, path, AE_IFREG, text, strlen(text));
}

static void tar_end(struct tar *tar)
{
  assert_int_equal(archive_write_close(tar->archive), ARCHIVE_OK);
  archive_write_free(tar->archive);
}

static bool fetch(const struct place *place, const struct buffer *bytes, size_t size, size_t piece, struct error *error)
{
  struct archive_reader *reader = archive_reader_create(place->directory, place->name, error);
  assert_non_null(reader);
  for (size_t at = 0; at < size; at += piece)
    if (!archive_reader_feed(reader, bytes->data + at, piece < size - at ? piece : size - at))
      break;
  const bool good = archive_reader_finish(reader, error);
  archive_reader_destroy(reader);
  return good;
}

static bool fetch_all(const struct place *place, const struct tar *tar, struct error *error)
{
  return fetch(place, &tar->bytes, tar->bytes.size, 1000, error);
}

static void assert_file(const struct place *place, const char *file, const char *expected)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", place->name.text, file);
  CLEANUP_BLOB struct blob *content = file_read(place->directory, path, MIB(1), 0);
  if (!expected) {
    assert_null(content);
    return;
  }
  assert_non_null(content);
  assert_string_equal((const char *)content->data, expected);
}

/* Entries but "." and ".."; of all attempts, or of this one. */
static int count_entries(const struct place *place, const char *below)
{
  CLEANUP_FREE char *path = xasprintf("%s/%s", place->path, below);
  DIR *entries = opendir(path);
  int count = 0;
  for (struct dirent *entry; entries && (entry = readdir(entries));)
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  if (entries)
    closedir(entries);
  return count;
}

static void make_former(const struct place *place)
{
  assert_int_equal(mkdirat(place->directory, NAME, 0700), 0);
  CLEANUP_FD int file = openat(place->directory, NAME "/former", O_WRONLY | O_CREAT, 0600);
  assert_true(file >= 0);
}

static void assert_refused(const struct place *place, const struct tar *tar, const char *part)
{
  struct error error = {0};
  assert_false(fetch_all(place, tar, &error));
  if (!strstr(error.message, part))
    fail_msg("\"%s\" does not say \"%s\"", error.message, part);
  assert_int_equal(count_entries(place, NAME), 1); /* what make_former() made */
  assert_int_equal(count_entries(place, ""), 1);
}

static void add_some_evidence(struct tar *tar)
{
  tar_add(tar, "attempt/", AE_IFDIR, "", 0);
  tar_add_text(tar, "attempt/exit", "the record");
  tar_add_text(tar, "attempt/plan", "the plan");
  tar_add_text(tar, "attempt/start", "the marker");
  tar_add(tar, "attempt/stdout", AE_IFREG, "a\0b", 3);
}

static void evidence_is_taken_and_the_rest_is_not(void **state)
{
  struct place *place = *state;
  struct tar tar;
  tar_begin(&tar);
  add_some_evidence(&tar);
  tar_add_text(&tar, "attempt/exit.tmp", "x");
  tar_add_text(&tar, "stderr", "x");
  tar_add_text(&tar, "attempt/deeper/stderr", "x");
  tar_add_text(&tar, "attempt/../stderr", "x");
  tar_add(&tar, "attempt/compile", AE_IFDIR, "", 0);
  tar_end(&tar);
  for (size_t piece = 1; piece < 100000; piece = piece * 7 + 3) {
    struct error error = {0};
    if (!fetch(place, &tar.bytes, tar.bytes.size, piece, &error))
      fail_msg("%s", error.message);
    assert_int_equal(count_entries(place, NAME), 3);
    assert_int_equal(count_entries(place, ""), 1);
    assert_file(place, "exit", "the record");
    assert_file(place, "start", "the marker");
    CLEANUP_BLOB struct blob *out = file_read(place->directory, NAME "/stdout", 100, 0);
    assert_int_equal(out->size, 3);
    assert_memory_equal(out->data, "a\0b", 3);
  }
  struct stat status;
  assert_int_equal(fstatat(place->directory, NAME, &status, 0), 0);
  assert_int_equal(status.st_mode & 07777, 0700);
  assert_int_equal(fstatat(place->directory, NAME "/exit", &status, 0), 0);
  assert_int_equal(status.st_mode & 07777, 0600);
  buffer_release(&tar.bytes);
}

static void every_file_of_evidence_is_known(void **state)
{
  struct place *place = *state;
  static const char *const files[] = {"start", "exit", "stdout", "stderr", "compile", "order", "ring", "failure"};
  struct tar tar;
  tar_begin(&tar);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    CLEANUP_FREE char *path = xasprintf("attempt/%s", files[i]);
    tar_add_text(&tar, path, files[i]);
  }
  tar_end(&tar);
  assert_true(fetch_all(place, &tar, 0));
  for (size_t i = 0; i < sizeof files / sizeof *files; i++)
    assert_file(place, files[i], files[i]);
  buffer_release(&tar.bytes);
}

static void what_was_there_before_is_replaced(void **state)
{
  struct place *place = *state;
  make_former(place);
  struct tar tar;
  tar_begin(&tar);
  tar_add_text(&tar, "attempt/start", "x");
  tar_end(&tar);
  assert_true(fetch_all(place, &tar, 0));
  assert_file(place, "former", 0);
  assert_file(place, "start", "x");
  assert_int_equal(count_entries(place, ""), 1);
  buffer_release(&tar.bytes);
}

static void what_a_dead_daemon_left_is_cleared_away(void **state)
{
  struct place *place = *state;
  make_former(place);
  assert_int_equal(renameat(place->directory, NAME, place->directory, ".fetch-" NAME), 0);
  CLEANUP_FD int spool = openat(place->directory, ".fetch-" NAME ".tar", O_WRONLY | O_CREAT, 0600);
  struct tar tar;
  tar_begin(&tar);
  tar_add_text(&tar, "attempt/start", "x");
  tar_end(&tar);
  assert_true(fetch_all(place, &tar, 0));
  assert_file(place, "start", "x");
  assert_int_equal(count_entries(place, NAME), 1);
  assert_int_equal(count_entries(place, ""), 1);
  buffer_release(&tar.bytes);
}

static void links_and_devices_refuse_it_all(void **state)
{
  struct place *place = *state;
  make_former(place);
  static const unsigned types[] = {AE_IFLNK, AE_IFIFO, AE_IFCHR, AE_IFBLK};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    for (int known = 0; known < 2; known++) {
      struct tar tar;
      tar_begin(&tar);
      add_some_evidence(&tar);
      tar_add(&tar, known ? "attempt/stderr" : "attempt/unknown", types[i], "", 0);
      tar_end(&tar);
      assert_refused(place, &tar, "neither a file nor a directory");
      buffer_release(&tar.bytes);
    }
  struct tar tar;
  tar_begin(&tar);
  tar_add_hard_link(&tar, "attempt/stderr");
  tar_end(&tar);
  assert_refused(place, &tar, "neither a file nor a directory");
  buffer_release(&tar.bytes);
}

static void a_name_twice_refuses_it_all(void **state)
{
  struct place *place = *state;
  make_former(place);
  struct tar tar;
  tar_begin(&tar);
  tar_add_text(&tar, "attempt/exit", "one");
  tar_add_text(&tar, "another/exit", "two");
  tar_end(&tar);
  assert_refused(place, &tar, "twice");
  buffer_release(&tar.bytes);
}

static void more_than_a_keeper_writes_refuses_it_all(void **state)
{
  struct place *place = *state;
  make_former(place);
  CLEANUP_BLOB struct blob *large = blob_create(0, RECORD_BYTES_MAX + 1);
  struct tar tar;
  tar_begin(&tar);
  tar_add(&tar, "attempt/exit", AE_IFREG, large->data, large->size);
  tar_end(&tar);
  assert_refused(place, &tar, "too large");
  buffer_release(&tar.bytes);

  tar_begin(&tar);
  for (int i = 0; i < 100; i++)
    tar_add_text(&tar, "attempt/x", "");
  tar_end(&tar);
  assert_refused(place, &tar, "too many");
  buffer_release(&tar.bytes);
}

static void the_largest_output_fits(void **state)
{
  struct place *place = *state;
  struct tar tar;
  CLEANUP_BLOB struct blob *most = blob_create(0, MIB(64));
  tar_begin(&tar);
  tar_add(&tar, "attempt/stdout", AE_IFREG, most->data, most->size);
  tar_end(&tar);
  assert_true(fetch(place, &tar.bytes, tar.bytes.size, MIB(1), 0));
  struct stat status;
  assert_int_equal(fstatat(place->directory, NAME "/stdout", &status, 0), 0);
  assert_int_equal(status.st_size, MIB(64));
  buffer_release(&tar.bytes);
}

static void an_archive_without_an_end_is_refused_wherever_it_stops(void **state)
{
  struct place *place = *state;
  make_former(place);
  struct tar tar;
  tar_begin(&tar);
  add_some_evidence(&tar);
  tar_end(&tar);
  for (size_t size = 0; size < tar.bytes.size; size += size % 512 ? 509 : 3) {
    struct error error = {0};
    if (fetch(place, &tar.bytes, size, 4096, &error))
      fail_msg("%zu of %zu bytes are taken", size, tar.bytes.size);
    assert_true(error.message[0]);
    assert_int_equal(count_entries(place, NAME), 1);
    assert_int_equal(count_entries(place, ""), 1);
  }
  buffer_append(&tar.bytes, "{\"message\":\"an error\"}", 22);
  assert_refused(place, &tar, "no end");
  buffer_release(&tar.bytes);
}

static void what_is_no_archive_is_refused(void **state)
{
  struct place *place = *state;
  make_former(place);
  struct tar tar = {0};
  for (int i = 0; i < 2048; i++)
    buffer_append(&tar.bytes, i < 1024 ? "x" : "", 1);
  assert_refused(place, &tar, "cannot read the archive");
  buffer_release(&tar.bytes);
}

static void an_endless_archive_is_given_up(void **state)
{
  struct place *place = *state;
  struct archive_reader *reader = archive_reader_create(place->directory, place->name, 0);
  CLEANUP_BLOB struct blob *piece = blob_create(0, MIB(16));
  int fed = 0;
  while (archive_reader_feed(reader, piece->data, piece->size) && fed < 100)
    fed++;
  assert_int_equal(fed, 16); /* 3 outputs and a plan of 64 MiB each */
  struct error error = {0};
  assert_false(archive_reader_feed(reader, "", 0));
  assert_false(archive_reader_finish(reader, &error));
  assert_int_equal(error.kind, ERROR_TOO_LARGE);
  archive_reader_destroy(reader);
  assert_int_equal(count_entries(place, ""), 0);
}

static void what_goes_in_is_what_a_keeper_needs(void **state)
{
  (void)state;
  CLEANUP_BLOB struct blob *keeper = blob_create("the keeper", 10), *plan = blob_create("the plan", 8);
  CLEANUP_BLOB struct blob *bytes = archive_make(keeper, plan, 0);
  assert_non_null(bytes);
  static const struct {
    const char *path, *content;
    mode_t mode;
  } expected[] = {{"keeper", "the keeper", AE_IFREG | 0755},
                  {"attempt/", 0, AE_IFDIR | 0700},
                  {"attempt/plan", "the plan", AE_IFREG | 0600}};
  struct archive *archive = archive_read_new();
  struct archive_entry *entry;
  archive_read_support_format_tar(archive);
  assert_int_equal(archive_read_open_memory(archive, bytes->data, bytes->size), ARCHIVE_OK);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    char content[32] = "";
    assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
    assert_string_equal(archive_entry_pathname(entry), expected[i].path);
    assert_int_equal(archive_entry_mode(entry), expected[i].mode);
    assert_int_equal(archive_entry_uid(entry), 0);
    assert_int_equal(archive_entry_gid(entry), 0);
    if (expected[i].content) {
      assert_true(archive_read_data(archive, content, sizeof content - 1) > 0);
      assert_string_equal(content, expected[i].content);
    }
  }
  assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_EOF);
  archive_read_free(archive);
}

static void the_largest_plan_goes_in(void **state)
{
  (void)state;
  CLEANUP_BLOB struct blob *keeper = blob_create(0, MIB(3) + 1), *plan = blob_create(0, PLAN_BYTES_MAX);
  CLEANUP_BLOB struct blob *bytes = archive_make(keeper, plan, 0);
  assert_non_null(bytes);
  assert_true(bytes->size > keeper->size + plan->size);
}

static void destroying_nothing_is_allowed(void **state)
{
  (void)state;
  archive_reader_destroy(0);
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, remove_place)
  const struct CMUnitTest tests[] = {
    WITH_PLACE(evidence_is_taken_and_the_rest_is_not),
    WITH_PLACE(every_file_of_evidence_is_known),
    WITH_PLACE(what_was_there_before_is_replaced),
    WITH_PLACE(what_a_dead_daemon_left_is_cleared_away),
    WITH_PLACE(links_and_devices_refuse_it_all),
    WITH_PLACE(a_name_twice_refuses_it_all),
    WITH_PLACE(more_than_a_keeper_writes_refuses_it_all),
    WITH_PLACE(the_largest_output_fits),
    WITH_PLACE(an_archive_without_an_end_is_refused_wherever_it_stops),
    WITH_PLACE(what_is_no_archive_is_refused),
    WITH_PLACE(an_endless_archive_is_given_up),
    cmocka_unit_test(what_goes_in_is_what_a_keeper_needs),
    cmocka_unit_test(the_largest_plan_goes_in),
    cmocka_unit_test(destroying_nothing_is_allowed),
  };
  return cmocka_run_group_tests(tests, 0, 0);
}
