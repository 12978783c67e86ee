#pragma once

/* A store in a directory of its own, and blocking forms of its operations. */

#include "store/store.h"

#include <stddef.h>

/* What cmocka wants before its own header. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
  char *directory;
  struct store *store;
  int wake_fd;       /* an eventfd */
  unsigned failures; /* calls of failed() */
  char failure[ERROR_MESSAGE_SIZE];
};

char *directory_make(void);              /* below TMPDIR or /tmp; the caller frees */
void directory_remove(const char *path); /* with all that is in it */
char *path_in(const char *directory, const char *name);
void copy_directory(const char *from, const char *to); /* regular files and one level of directories; makes `to` */
uint64_t file_digest(const char *path);                /* 0: there is none */

struct fixture *fixture_create(void); /* a directory and an open store */
struct fixture *fixture_create_closed(void);
void fixture_open(struct fixture *fixture, const char *directory);
bool fixture_try_open(struct fixture *fixture, const char *directory, struct error *error);
void fixture_close(struct fixture *fixture);
void fixture_destroy(struct fixture *fixture); /* and the directory */
/* What is left when the machine stops now: a copy of the files, opened as another store. */
struct fixture *fixture_crash(const struct fixture *fixture);

/* Dispatches until `*done` is true; fails the test after 20 s. */
void fixture_wait(struct fixture *fixture, const bool *done);

/* An open evaluation with id "20261122_195800_<number as hex>"; the caller destroys. */
struct evaluation *evaluation_make(unsigned number);
/* Gives it a verdict; exit code 0 or 1 … */
void evaluation_end(struct evaluation *evaluation, enum verdict_kind kind);
/* … and outputs, if it has none. NULL: empty. */
void evaluation_print(struct evaluation *evaluation, enum stream stream, const void *bytes, size_t size);

struct accepted {
  bool done;
  enum store_result result;
  uint64_t sequence;
  char standing_id[ID_SIZE];
};
void accepted_note(void *context, const char *id, enum store_result result, uint64_t sequence, const char *standing_id);
struct accepted accept_now(struct fixture *fixture, const struct evaluation *evaluation);
enum store_result attempt_now(struct fixture *fixture, const char *id, unsigned attempt);
enum store_result cancel_now(struct fixture *fixture, const char *id, int64_t at_ms);
enum store_result finish_now(struct fixture *fixture, const struct evaluation *evaluation);
struct evaluation *get_now(struct fixture *fixture, const char *id);

struct listed {
  bool done, more;
  struct evaluation **items;
  size_t count;
};
struct listed list_now(struct fixture *fixture, const struct store_filter *filter);
void listed_release(struct listed *listed);

struct retained {
  bool done, more;
  unsigned removed;
};
struct retained retain_now(struct fixture *fixture, uint64_t age_ms, uint64_t bytes);

/* Every field that the store keeps. */
void assert_same_evaluation(const struct evaluation *a, const struct evaluation *b);
