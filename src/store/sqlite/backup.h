#pragma once

/*
 * A copy of the store, made in small steps between the transactions of others: STATE/backups/<time>/, which is a state
 * directory that a daemon can be started on.
 *
 * What it holds is what was durable when the last page was copied: pages that are written meanwhile through the one
 * connection there is are written to the copy as well (https://www.sqlite.org/backup.html), so that it need not begin
 * anew. Files of outputs are linked behind the pages. None of those that a row names can be missing: a file is there
 * before its row is, and retention rests as long as a backup is made. The name is given to what is whole and synced.
 */

#include "store/sqlite/database.h"

struct backup;

enum backup_progress { BACKUP_GOES_ON, BACKUP_DONE, BACKUP_FAILED };

/* NULL with an error, such as that there is one of this second already. */
struct backup *backup_begin(struct database *database, struct error *error);
enum backup_progress backup_step(struct backup *backup, struct error *error);
/* Removes what is not whole. The directory's path, where it is; the caller frees. Accepts NULL. */
char *backup_end(struct backup *backup);
