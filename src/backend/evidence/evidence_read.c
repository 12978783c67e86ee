#include "backend/evidence/evidence_read.h"

#include "backend/evidence/stream_read.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ORDER_RUN_BYTES = 5, ORDER_BYTES_MAX = ORDER_RUNS_MAX * ORDER_RUN_BYTES };

void evidence_release(struct evidence *evidence)
{
  outputs_unref(evidence->outputs);
  evidence->outputs = 0;
}

bool marker_of_another_boot(const struct start_marker *marker)
{
  char text[64];
  CLEANUP_FD int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (length <= 0)
    return false; /* not known to be another one */
  return digest_bytes(text, (size_t)length) != marker->boot_id_hash;
}

/* A small file whole. True with `*ret` NULL where there is none; false where it cannot be told. */
static bool read_small(int directory, const char *file, size_t bytes_max, struct blob **ret, struct error *error)
{
  CLEANUP_FD int fd = openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) {
    *ret = 0;
    return true;
  }
  if (fd < 0)
    return error_errno(error, "cannot open %s", file);
  *ret = fd_read_file(fd, bytes_max, error);
  return *ret || error_wrap(error, "%s", file);
}

int evidence_started(int directory_fd, struct name name)
{
  char path[NAME_SIZE + sizeof "/start"];
  snprintf(path, sizeof path, "%s/start", name.text);
  if (faccessat(directory_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
    return 1;
  return errno == ENOENT ? 0 : -errno;
}

static void note_damage(struct evidence *evidence, const char *what, const struct error *error)
{
  snprintf(evidence->problem, sizeof evidence->problem, "evidence damaged: %s: %.180s", what, error->message);
}

static bool read_start(int directory, struct evidence *evidence, struct error *error)
{
  CLEANUP_BLOB struct blob *text = 0;
  if (!read_small(directory, "start", RECORD_BYTES_MAX, &text, error))
    return false;
  evidence->started = text != 0;
  evidence->marked = text && start_marker_decode(text->data, text->size, &evidence->marker, 0);
  return true;
}

static bool read_exit(int directory, struct evidence *evidence, struct error *error)
{
  CLEANUP_BLOB struct blob *text = 0;
  struct error damage = {0};
  if (!read_small(directory, "exit", RECORD_BYTES_MAX, &text, error)) {
    if (error->kind != ERROR_TOO_LARGE)
      return false;
    note_damage(evidence, "exit", error);
    return true;
  }
  evidence->recorded = text && record_decode(text->data, text->size, &evidence->record, &damage);
  if (text && !evidence->recorded)
    note_damage(evidence, "exit", &damage);
  return true;
}

int evidence_open(int directory_fd, struct name name)
{
  int fd = openat(directory_fd, name.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

bool evidence_read(int directory_fd, struct name name, struct evidence *ret, struct error *error)
{
  struct evidence evidence = {0};
  CLEANUP_FD int directory = evidence_open(directory_fd, name);
  if (directory < 0 && directory != -ENOENT)
    return error_set(error, ERROR_INTERNAL, -directory, "cannot open evidence: %s", strerror(-directory));
  evidence.found = directory >= 0;
  struct error local;
  if (evidence.found && (!read_start(directory, &evidence, &local) || !read_exit(directory, &evidence, &local))) {
    if (error)
      *error = local;
    return error_wrap(error, "cannot read evidence");
  }
  *ret = evidence;
  return true;
}

/* Without a record, or where one is damaged, the order is kept as far as it makes sense: it is not worth a verdict. */
static bool read_order(int directory, struct outputs *outputs, struct error *error)
{
  struct blob *order = 0;
  if (!read_small(directory, "order", ORDER_BYTES_MAX, &order, error))
    return error && error->kind == ERROR_TOO_LARGE;
  if (!order)
    return true;
  size_t whole = 0;
  while (whole + ORDER_RUN_BYTES <= order->size && order->data[whole] <= STREAM_STDERR)
    whole += ORDER_RUN_BYTES;
  order->size = whole;
  outputs->order = order;
  return true;
}

static bool read_ring(int directory, struct ring_counters *ret, struct error *error)
{
  CLEANUP_BLOB struct blob *bytes = 0;
  *ret = (struct ring_counters){0};
  if (!read_small(directory, "ring", RECORD_BYTES_MAX, &bytes, error))
    return false;
  struct ring_counters counters;
  if (bytes && bytes->size >= sizeof counters) {
    memcpy(&counters, bytes->data, sizeof counters);
    if (counters.magic == RING_MAGIC)
      *ret = counters;
  }
  return true;
}

/* A copy that does not say what it lacks, lacks nothing. */
static bool read_copy(int directory, struct copy_marker *ret, struct error *error)
{
  CLEANUP_BLOB struct blob *text = 0;
  *ret = (struct copy_marker){0};
  if (!read_small(directory, "copy", RECORD_BYTES_MAX, &text, error))
    return false;
  if (text)
    copy_marker_decode(text->data, text->size, ret, 0);
  return true;
}

/* The streams as the record says they are. `*ret_damaged` where one is not. */
static bool read_recorded(int directory, const char *path, const struct evidence *evidence, struct outputs *outputs,
                          bool *ret_damaged, struct error *error)
{
  const struct record *record = &evidence->record;
  struct copy_marker copy;
  if (!read_copy(directory, &copy, error))
    return false;
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++) {
    enum stream_result result = stream_read_recorded(directory, path, stream, &record->stream[stream],
                                                     &copy.stream[stream], &outputs->stream[stream], error);
    if (result == STREAM_CANNOT_TELL)
      return false;
    bool unvouched =
      evidence->doubtful && record->stream[stream].omitted_bytes; /* the digest is of all that was written */
    if (result == STREAM_WHOLE && unvouched)
      error_set(error, ERROR_INTERNAL, 0, "%s: the host was restarted before it was known to be saved",
                stream_name(stream));
    if (result == STREAM_DAMAGED || unvouched) {
      *ret_damaged = true;
      return true;
    }
  }
  *ret_damaged = false;
  return true;
}

/* What there is, whatever anybody says. */
static bool read_found(int directory, const char *path, struct outputs *outputs, struct error *error)
{
  struct ring_counters ring;
  if (!read_ring(directory, &ring, error))
    return false;
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++)
    if (!stream_read_found(directory, path, stream, &ring, &outputs->stream[stream], error))
      return false;
  return true;
}

static bool read_doubtful(int directory, struct outputs *outputs, struct error *error)
{
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++)
    if (!stream_read_doubtful(directory, stream, &outputs->stream[stream], error))
      return false;
  return true;
}

void evidence_doubt_after_reboot(struct evidence *evidence)
{
  evidence->doubtful = evidence->started && (!evidence->marked || marker_of_another_boot(&evidence->marker));
}

/* A save that failed and says so: what is not in the files was written all the same. */
static void add_unsaved(const struct record *record, struct outputs *outputs)
{
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++) {
    struct stream_output *output = &outputs->stream[stream];
    if (record->stream[stream].bytes <= output->bytes)
      continue;
    output->omitted_bytes += record->stream[stream].bytes - output->bytes;
    output->bytes = record->stream[stream].bytes;
  }
}

static void cleanup_outputs(struct outputs **outputs)
{
  outputs_unref(*outputs);
}

bool evidence_read_outputs(int directory_fd, const char *directory_path, struct name name, struct evidence *evidence,
                           struct error *error)
{
  __attribute__((cleanup(cleanup_outputs))) struct outputs *outputs = outputs_create();
  CLEANUP_FD int directory = evidence_open(directory_fd, name);
  CLEANUP_FREE char *path = xasprintf("%s/%s", directory_path, name.text);
  struct error local;
  if (directory < 0 && directory != -ENOENT)
    return error_set(error, ERROR_INTERNAL, -directory, "cannot open evidence: %s", strerror(-directory));

  bool damaged = false, told = true;
  /* A record that owns up to a failed save is right in saying that the streams are not whole. */
  bool checked = evidence->recorded && !evidence->record.evidence_errno;
  if (checked)
    told = directory < 0 || read_recorded(directory, path, evidence, outputs, &damaged, &local);
  if (damaged) {
    note_damage(evidence, "outputs", &local);
    evidence->recorded = false;
    outputs_unref(outputs);
    outputs = outputs_create();
  }
  bool found = (!checked || damaged) && directory >= 0;
  if (told && found)
    told =
      evidence->doubtful ? read_doubtful(directory, outputs, &local) : read_found(directory, path, outputs, &local);
  if (told && evidence->recorded && !checked)
    add_unsaved(&evidence->record, outputs);
  bool ordered = directory >= 0 && !(found && evidence->doubtful);
  told = told && (!ordered || read_order(directory, outputs, &local));
  if (!told) {
    if (error)
      *error = local;
    return error_wrap(error, "cannot read evidence");
  }
  outputs_unref(evidence->outputs);
  evidence->outputs = TAKE_PTR(outputs);
  return true;
}

void evidence_drop_deliveries(int directory_fd, struct name name)
{
  CLEANUP_FD int directory = evidence_open(directory_fd, name);
  char file[DELIVERY_NAME_SIZE];
  if (directory < 0)
    return;
  for (enum stream stream = 0; stream < STREAM_COUNT; stream++) {
    delivery_name(stream, file);
    (void)unlinkat(directory, file, 0);
  }
}
