/*
 * A disk that fails. A layer under SQLite (a VFS around the real one) counts what is asked of the disk and fails from a
 * given call on, or once. What was acknowledged before must be found afterwards, wherever that was.
 */

#include "support.h"

#include <errno.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum fault_kind { FAULT_NO, FAULT_SYNC, FAULT_WRITE, FAULT_READ };

/* Of the one disk that there is; atomic, since the store's thread uses it. */
static struct {
  int kind;  /* enum fault_kind that fails … */
  int after; /* … when this many more of them went well … */
  int times; /* … this often */
  int syncs, writes;
} disk;

static int load(int *value)
{
  return __atomic_load_n(value, __ATOMIC_SEQ_CST);
}

static void save(int *value, int now)
{
  __atomic_store_n(value, now, __ATOMIC_SEQ_CST);
}

static bool strikes(enum fault_kind kind)
{
  if (load(&disk.kind) != (int)kind || __atomic_fetch_sub(&disk.after, 1, __ATOMIC_SEQ_CST) > 0)
    return false;
  return __atomic_fetch_sub(&disk.times, 1, __ATOMIC_SEQ_CST) > 0;
}

static void disk_fails(enum fault_kind kind, int after, int times)
{
  save(&disk.kind, FAULT_NO);
  save(&disk.after, after);
  save(&disk.times, times);
  save(&disk.kind, (int)kind);
}

struct faulty_file {
  sqlite3_file base;
  sqlite3_file *real;
};

static sqlite3_file *real_file(sqlite3_file *file)
{
  return ((struct faulty_file *)file)->real;
}

static int file_close(sqlite3_file *file)
{
  return real_file(file)->pMethods->xClose(real_file(file));
}

static int file_read_at(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
  if (strikes(FAULT_READ))
    return SQLITE_IOERR_READ;
  return real_file(file)->pMethods->xRead(real_file(file), bytes, size, at);
}

static int file_write_at(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
  __atomic_add_fetch(&disk.writes, 1, __ATOMIC_SEQ_CST);
  if (strikes(FAULT_WRITE))
    return SQLITE_FULL;
  return real_file(file)->pMethods->xWrite(real_file(file), bytes, size, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
  return real_file(file)->pMethods->xTruncate(real_file(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
  __atomic_add_fetch(&disk.syncs, 1, __ATOMIC_SEQ_CST);
  if (strikes(FAULT_SYNC))
    return SQLITE_IOERR_FSYNC;
  return real_file(file)->pMethods->xSync(real_file(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
  return real_file(file)->pMethods->xFileSize(real_file(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
  return real_file(file)->pMethods->xLock(real_file(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
  return real_file(file)->pMethods->xUnlock(real_file(file), lock);
}

static int file_reserved(sqlite3_file *file, int *reserved)
{
  return real_file(file)->pMethods->xCheckReservedLock(real_file(file), reserved);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
  return real_file(file)->pMethods->xFileControl(real_file(file), what, argument);
}

static int file_sector_size(sqlite3_file *file)
{
  return real_file(file)->pMethods->xSectorSize(real_file(file));
}

static int file_characteristics(sqlite3_file *file)
{
  return real_file(file)->pMethods->xDeviceCharacteristics(real_file(file));
}

static const sqlite3_io_methods faulty_methods = {
  .iVersion = 1,
  .xClose = file_close,
  .xRead = file_read_at,
  .xWrite = file_write_at,
  .xTruncate = file_truncate,
  .xSync = file_sync,
  .xFileSize = file_size,
  .xLock = file_lock,
  .xUnlock = file_unlock,
  .xCheckReservedLock = file_reserved,
  .xFileControl = file_control,
  .xSectorSize = file_sector_size,
  .xDeviceCharacteristics = file_characteristics,
};

static sqlite3_vfs *real_vfs, faulty_vfs;

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
  (void)vfs;
  struct faulty_file *faulty = (struct faulty_file *)file;
  faulty->real = (sqlite3_file *)(faulty + 1);
  int opened = real_vfs->xOpen(real_vfs, name, faulty->real, flags, ret_flags);
  faulty->base.pMethods = opened == SQLITE_OK ? &faulty_methods : 0;
  return opened;
}

static int install(void **state)
{
  (void)state;
  setenv("TMPDIR", "/dev/shm", 0); /* what fails here is not the real disk: spare it */
  real_vfs = sqlite3_vfs_find(0);
  faulty_vfs = *real_vfs;
  faulty_vfs.zName = "faulty";
  faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
  faulty_vfs.xOpen = vfs_open;
  return sqlite3_vfs_register(&faulty_vfs, 1) == SQLITE_OK ? 0 : -1;
}

static int heal(void **state)
{
  (void)state;
  disk_fails(FAULT_NO, 0, 0);
  return 0;
}

static enum store_result accept_number(struct fixture *fixture, unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  enum store_result result = accept_now(fixture, evaluation).result;
  evaluation_destroy(evaluation);
  return result;
}

static void assert_known(struct fixture *fixture, unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  assert_int_equal(store_known(fixture->store, evaluation->id), STORE_OPEN);
  evaluation_destroy(evaluation);
}

static void a_failed_fsync_is_never_tried_again(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(accept_number(fixture, 1), STORE_DONE);
  disk_fails(FAULT_SYNC, 0, 1); /* the next one would go well */
  assert_int_equal(accept_number(fixture, 2), STORE_FAILED);
  assert_int_equal(fixture->failures, 1);
  assert_non_null(strstr(fixture->failure, fixture->directory));

  int syncs = load(&disk.syncs), writes = load(&disk.writes);
  assert_int_equal(accept_number(fixture, 3), STORE_FAILED);
  fixture_close(fixture);
  assert_int_equal(fixture->failures, 1);
  assert_int_equal(load(&disk.syncs), syncs);
  assert_int_equal(load(&disk.writes), writes);

  fixture_open(fixture, fixture->directory);
  assert_known(fixture, 1);
  fixture_destroy(fixture);
}

/* Bytes that the reserve takes on the disk. */
static uint64_t reserved_bytes(const struct fixture *fixture)
{
  CLEANUP_FREE char *path = path_in(fixture->directory, "reserve");
  struct stat status;
  assert_return_code(stat(path, &status), errno);
  return (uint64_t)status.st_blocks * 512;
}

static void a_full_disk_is_met_from_the_reserve(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  if (!reserved_bytes(fixture)) {
    fixture_destroy(fixture);
    skip(); /* this file system cannot reserve */
  }
  disk_fails(FAULT_WRITE, 1, 1); /* in the middle of a transaction */
  assert_int_equal(accept_number(fixture, 1), STORE_DONE);
  assert_int_equal(fixture->failures, 0);
  assert_int_equal(reserved_bytes(fixture), 0);
  assert_true(store_has_reserve(fixture->store)); /* there is room again */
  assert_true(reserved_bytes(fixture) > 0);
  struct fixture *after = fixture_crash(fixture);
  assert_known(after, 1);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void a_disk_that_stays_full_fails_the_store_and_says_so(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(accept_number(fixture, 1), STORE_DONE);
  disk_fails(FAULT_WRITE, 0, 1 << 30);
  assert_int_equal(accept_number(fixture, 2), STORE_FAILED);
  disk_fails(FAULT_NO, 0, 0);
  assert_non_null(strstr(fixture->failure, "full"));
  struct fixture *after = fixture_crash(fixture);
  assert_known(after, 1);
  assert_int_equal(accept_number(after, 2), STORE_DONE);
  fixture_destroy(after);
  fixture_destroy(fixture);
}

static void reads_are_served_after_a_failed_write(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(accept_number(fixture, 1), STORE_DONE);
  disk_fails(FAULT_SYNC, 0, 1);
  assert_int_equal(accept_number(fixture, 2), STORE_FAILED);
  struct evaluation *found = get_now(fixture, "20261122_195800_00000001");
  assert_non_null(found);
  evaluation_destroy(found);
  fixture_destroy(fixture);
}

struct got_error {
  bool done, failed;
};

static void note_error(void *context, struct evaluation *evaluation, const struct error *error)
{
  assert_null(evaluation);
  *(struct got_error *)context = (struct got_error){true, error && *error->message};
}

static void a_failed_read_is_an_error_and_never_an_absence(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  assert_int_equal(accept_number(fixture, 1), STORE_DONE);
  fixture_close(fixture);
  fixture_open(fixture, fixture->directory); /* with nothing in its cache */
  disk_fails(FAULT_READ, 0, 1 << 30);
  struct got_error got = {0};
  store_get(fixture->store, "20261122_195800_00000001", note_error, &got);
  fixture_wait(fixture, &got.done);
  assert_true(got.failed);
  assert_int_equal(fixture->failures, 1);
  assert_int_equal(store_known(fixture->store, "20261122_195800_00000002"), STORE_OPEN);
  assert_int_equal(accept_number(fixture, 5000), STORE_FAILED);
  fixture_destroy(fixture);
}

/* One that fills the log, so that a checkpoint follows 100 ms later. */
static struct evaluation *evaluation_make_large(unsigned number)
{
  struct evaluation *evaluation = evaluation_make(number);
  blob_unref(evaluation->plan);
  evaluation->plan = blob_create(0, MIB(8));
  return evaluation;
}

static void a_checkpoint_that_finds_no_room_is_put_off(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make_large(1);
  assert_int_equal(accept_now(fixture, evaluation).result, STORE_DONE);
  disk_fails(FAULT_WRITE, 0, 1 << 30);
  for (int tries = 0; tries < 100 && load(&disk.after) >= 0; tries++)
    poll(0, 0, 20);
  assert_true(load(&disk.after) < 0);
  disk_fails(FAULT_NO, 0, 0);
  assert_int_equal(accept_number(fixture, 2), STORE_DONE);
  assert_int_equal(fixture->failures, 0);
  struct fixture *after = fixture_crash(fixture);
  assert_known(after, 1);
  assert_known(after, 2);
  fixture_destroy(after);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

static void a_failed_checkpoint_fails_the_store_and_loses_nothing(void **state)
{
  (void)state;
  struct fixture *fixture = fixture_create();
  struct evaluation *evaluation = evaluation_make_large(1);
  struct accepted accepted = {0};
  disk_fails(FAULT_SYNC, 2, 1); /* the log's header, the commit; then the checkpoint, 100 ms later */
  store_accept(fixture->store, evaluation, accepted_note, &accepted);
  fixture_wait(fixture, &accepted.done);
  assert_int_equal(accepted.result, STORE_DONE);
  for (int tries = 0; tries < 100 && !fixture->failures; tries++) {
    poll(0, 0, 20);
    store_dispatch(fixture->store);
  }
  assert_int_equal(fixture->failures, 1);
  assert_int_equal(accept_number(fixture, 2), STORE_FAILED);
  struct fixture *after = fixture_crash(fixture);
  assert_known(after, 1);
  fixture_destroy(after);
  evaluation_destroy(evaluation);
  fixture_destroy(fixture);
}

enum { ROUNDS = 3 };

/* Accepts and finishes, until the disk refuses. Returns how many verdicts were acknowledged. */
static unsigned work_until_it_fails(struct fixture *fixture)
{
  for (unsigned i = 0; i < ROUNDS; i++) {
    struct evaluation *evaluation = evaluation_make(i);
    bool done = accept_now(fixture, evaluation).result == STORE_DONE;
    evaluation_end(evaluation, VERDICT_FAILED);
    evaluation_print(evaluation, STREAM_STDOUT, "output", 6);
    done = done && finish_now(fixture, evaluation) == STORE_DONE;
    evaluation_destroy(evaluation);
    if (!done)
      return i;
  }
  return ROUNDS;
}

/* From its n-th write or fsync on the disk takes nothing more, and then works again. False when it never came to that.
 */
static bool survives_a_stop(enum fault_kind kind, int n)
{
  struct fixture *fixture = fixture_create_closed();
  disk_fails(kind, n, 1 << 30);
  unsigned acknowledged = fixture_try_open(fixture, fixture->directory, 0) ? work_until_it_fails(fixture) : 0;
  fixture_close(fixture);
  bool stopped = load(&disk.times) < 1 << 30;
  disk_fails(FAULT_NO, 0, 0);

  fixture_open(fixture, fixture->directory);
  for (unsigned i = 0; i < acknowledged; i++) {
    struct evaluation *evaluation = evaluation_make(i), *found = get_now(fixture, evaluation->id);
    assert_non_null(found);
    assert_int_equal(found->verdict.kind, VERDICT_FAILED);
    assert_memory_equal(found->outputs->stream[STREAM_STDOUT].data->data, "output", 6);
    evaluation_destroy(found);
    evaluation_destroy(evaluation);
  }
  assert_int_equal(accept_number(fixture, 1000), STORE_DONE);
  fixture_destroy(fixture);
  return stopped;
}

static void what_was_acknowledged_is_found_wherever_the_disk_stops(void **state)
{
  (void)state;
  static const enum fault_kind kinds[] = {FAULT_WRITE, FAULT_SYNC};
  for (int i = 0; i < 2; i++) {
    int n = 0;
    while (survives_a_stop(kinds[i], n))
      assert_in_range(n++, 0, 1000);
    assert_in_range(n, ROUNDS * 2, 1000); /* it did stop in between */
  }
}

int main(void)
{
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test_teardown(a_failed_fsync_is_never_tried_again, heal),
    cmocka_unit_test_teardown(a_full_disk_is_met_from_the_reserve, heal),
    cmocka_unit_test_teardown(a_disk_that_stays_full_fails_the_store_and_says_so, heal),
    cmocka_unit_test_teardown(a_checkpoint_that_finds_no_room_is_put_off, heal),
    cmocka_unit_test_teardown(reads_are_served_after_a_failed_write, heal),
    cmocka_unit_test_teardown(a_failed_read_is_an_error_and_never_an_absence, heal),
    cmocka_unit_test_teardown(a_failed_checkpoint_fails_the_store_and_loses_nothing, heal),
    cmocka_unit_test_teardown(what_was_acknowledged_is_found_wherever_the_disk_stops, heal),
  };
  return cmocka_run_group_tests(tests, install, 0);
}
