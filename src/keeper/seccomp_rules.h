#pragma once

/*
 * Which system calls a program may make, as rules from which the filters (seccomp_filter.h) are made while the keeper is
 * built: making them takes longer than everything else that a keeper does at its start, and in a container every
 * evaluation would pay for it. Only make_filters.c and tests use this.
 */

#include "keeper/seccomp_filter.h"

/* Writes the filter to a file as the kernel takes it: struct sock_filter one behind the other. 0 or a negative errno. */
int filter_rules_write(enum filter filter, int file);

/* Which call answers what, whatever its arguments. */
enum filter_answer { FILTER_UNKNOWN, FILTER_ALLOWED, FILTER_REFUSED };
enum filter_answer filter_answer_for(const char *system_call);
