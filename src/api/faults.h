#pragma once

/*
 * What is wrong with a submission: each fault with the JSON path of its place, so that a client can mend all of them at
 * once. Beyond FAULTS_MAX they are only counted.
 */

#include "api/json_writer.h"

#include <stddef.h>

enum { FAULTS_MAX = 20, FAULT_PATH_SIZE = 160, FAULT_MESSAGE_SIZE = 256 };

struct fault_entry {
  char path[FAULT_PATH_SIZE]; /* "$.files[2].path" */
  char message[FAULT_MESSAGE_SIZE];
};

struct faults {
  size_t count; /* also those that are not kept */
  struct fault_entry entry[FAULTS_MAX];
};

__attribute__((format(printf, 3, 4))) void faults_add(struct faults *faults, const char *path, const char *format, ...);

/* The value of the member "errors": [{"path": …, "message": …}, …] */
void faults_encode(const struct faults *faults, struct json_writer *json);

/* Where in a document: a path that grows and shrinks with the walk. Too long a path is cut, which harms nobody. */
struct json_path {
  char text[FAULT_PATH_SIZE];
};
struct json_path json_path_member(const struct json_path *parent, const char *name);
struct json_path json_path_item(const struct json_path *parent, size_t index);
#define JSON_PATH_ROOT ((struct json_path){"$"})
