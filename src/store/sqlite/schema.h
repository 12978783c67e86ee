#pragma once

/*
 * The tables, as a list of migrations. PRAGMA user_version counts the steps that a database has taken; each step is one
 * transaction. A step that was released is never edited: a change is a new step at the end.
 */

#include "base/error.h"

#include <sqlite3.h>

enum { SCHEMA_APPLICATION_ID = 0x41535359 }; /* "ASSY", at offset 68 of the file */

int schema_version_newest(void);

/* Takes the steps that are missing. */
bool schema_migrate(sqlite3 *handle, struct error *error);
