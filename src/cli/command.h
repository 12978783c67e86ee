#pragma once

/*
 * A command of `assay`: a row in the table of main.c and one file with one function. The function prints what it has to
 * say and gives the exit status; false with an error where it could not do its work, which main.c prints.
 */

#include "cli/outcome.h"
#include "cli/session.h"

typedef bool command_function(struct session *session, int *ret_status, struct error *error);

command_function command_run, command_submit, command_get, command_wait, command_logs, command_cancel, command_list,
  command_batch, command_doctor, command_version, command_admin, command_token;
