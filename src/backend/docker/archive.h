#pragma once

/*
 * Tar archives, for an engine that does not see this host's files: what an attempt needs goes in by
 * PUT /containers/NAME/archive?path=/assay, and its evidence comes out by GET /containers/NAME/archive?path=/assay/attempt.
 */

#include "base/error.h"
#include "base/memory.h"
#include "wire/name.h"

#include <stdbool.h>

/* "keeper" (0755), "attempt/" (0700), "attempt/plan" (0600), all root's. The caller unrefs. NULL with an error when memory
 * is out. */
struct blob *archive_make(const struct blob *keeper, const struct blob *plan, struct error *error);

/*
 * Evidence from an archive that comes in pieces. They are kept in a file without a name until the end, because only a whole
 * archive is worth anything; then the known files of the evidence (wire/record.h) and `failure` are made in a new
 * directory, which takes the place of the attempt's directory, whatever that held. What else is a plain file or a
 * directory in the archive is passed over. Links, devices, a name twice, more bytes than a keeper writes, and an archive
 * without its end refuse it all.
 *
 * Order: create, feed until it is false or the body ended, finish, destroy. One thread at a time; any. finish() writes as
 * many bytes as the outputs have.
 */
struct archive_reader;

/* `directory_fd` is of all attempts and stays the caller's; it must live as long. What is under way lies there under a
 * name that begins with ".fetch-"; the next reader of the same attempt clears it away. NULL with an error. */
struct archive_reader *archive_reader_create(int directory_fd, struct name name, struct error *error);
/* False, with the error that finish() is going to give: the rest need not be read. */
bool archive_reader_feed(struct archive_reader *reader, const void *bytes, size_t size);
/* False: nothing has changed. */
bool archive_reader_finish(struct archive_reader *reader, struct error *error);
void archive_reader_destroy(struct archive_reader *reader); /* accepts NULL */
