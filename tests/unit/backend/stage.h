#pragma once

/*
 * A state directory, a loop and a backend on it, and a notebook of what the backend tells: for tests of the native
 * backend, with the real keeper or with a scripted one, and of any other that `create` makes. Everything here fails the
 * test when it takes too long.
 */

#include "backend/native/native.h"

#include <stdbool.h>

enum { STAGE_MS_MAX = 10000 };

struct stage {
  char state_dir[64];
  const char *keeper_path;
  /* NULL: the native one */
  struct backend *(*create)(struct stage *stage, unsigned slots, const struct backend_events *events,
                            struct error *error);
  uv_loop_t loop;
  struct backend *backend;
  bool clears;           /* whatever is found is killed and removed */
  struct name launching; /* whose answer is waited for, and nobody else's noted; "": each is */

  /* The notebook: what was told last, and how often. */
  unsigned launches, hints, looks, capacities, listed;
  enum launch_result launch_result;
  char launch_reason[256];
  struct name hinted, found;
  unsigned capacity;
  struct {
    enum presence presence;
    bool started, recorded;
    struct record record;
    struct outputs *outputs; /* NULL where there were none */
    char platform_reason[256], progress[256];
  } seen;
};

void stage_set_up(struct stage *stage, const char *keeper_path);
void stage_tear_down(struct stage *stage); /* removes the state directory */
/* A daemon begins and ends; the state directory stays. */
void stage_open(struct stage *stage, unsigned slots);
bool stage_try_open(struct stage *stage, unsigned slots, struct error *error);
void stage_close(struct stage *stage);
/* The same on the same loop, so that what else lives on it goes on meanwhile. */
void stage_restart(struct stage *stage, unsigned slots);

void stage_turn(struct stage *stage, unsigned ms); /* lets the loop run so long */
/* Runs the loop until `done`; fails with `what` when that takes longer than STAGE_MS_MAX. */
void stage_until(struct stage *stage, bool (*done)(const struct stage *stage), const char *what);

/* Launches a shell script and waits for the answer. */
enum launch_result stage_launch(struct stage *stage, struct name name, const char *script);
enum launch_result stage_launch_plan(struct stage *stage, struct name name, struct blob *plan);
enum presence stage_observe(struct stage *stage, struct name name);
/* Observes, again and again, until it says so. */
void stage_await(struct stage *stage, struct name name, enum presence presence);
/* Waits until it has written something to stdout. */
void stage_await_output(struct stage *stage, struct name name);
void stage_await_capacity(struct stage *stage, unsigned slots);

struct name stage_name(unsigned number);
struct blob *stage_plan(const char *script);
/* The youngest keeper among the child processes of this one, or 0. */
pid_t stage_keeper(const struct stage *stage);
/* How many names the backend says that it holds. */
unsigned stage_list(struct stage *stage);
unsigned stage_files(const struct stage *stage, const char *directory); /* below the state directory */
