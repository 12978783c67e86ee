#pragma once

/*
 * A Docker Engine that behaves badly on demand: an HTTP server on a Unix socket, on the loop of the test, with containers
 * that are nothing but a name, labels and a state; and, once one is started, a keeper in its attempt's directory, which
 * acts as the third word of the plan's command says:
 *
 *   end      writes the start marker and "out\n", and ends with a record at once
 *   run      the same, but ends only when it is told to, by KILL, with a record that says so
 *   wait     listens, and does not start its program until scripted_keeper_go()
 *   die      starts the program, and is killed without a record
 *   deaf     starts the program, and does not react to anything; a process of its own, which can be killed
 *   fail     says in `failure` why it cannot start anything, and ends
 *   vanish   ends without a word
 *
 * All of it is in the attempt's directory that the body of the creation has mounted, or in a volume, which is a directory
 * of the engine's; a plan that is missing is a `fail`. "run" obeys the keeper's signals too.
 */

#include "wire/name.h"

#include <stdbool.h>
#include <uv.h>

enum engine_fault {
  FAULT_STATUS,   /* it does nothing, and answers with the status that is given */
  FAULT_LOST,     /* it does it, and the connection breaks off before the answer */
  FAULT_CUT,      /* it does it, and the connection breaks off in the middle of the answer's body */
  FAULT_HANG,     /* it takes the request and never answers; nothing is done */
  FAULT_GARBAGE,  /* it does it, and answers 200 with what is no JSON */
  FAULT_NONSENSE, /* it does it, and answers 200 with JSON of another shape */
  FAULT_PRETEND,  /* it does nothing, and answers as if it had been done */
};

enum container_stage { STAGE_CREATED, STAGE_RUNNING, STAGE_PAUSED, STAGE_EXITED };

struct scripted_engine;
struct scripted_engine *scripted_engine_create(uv_loop_t *loop, const char *socket_path);
/* Ends its keepers too, and removes its volumes; the loop has to turn once more. */
void scripted_engine_destroy(struct scripted_engine *engine);

/* dockerd ends and starts: connections break off, containers stay. */
void scripted_engine_leave(struct scripted_engine *engine);
void scripted_engine_come(struct scripted_engine *engine);

/* The next `times` calls of this word ("version", "info", "create", "start", "inspect", "list", "remove", "kill", "unpause",
 * "image", "images", "pull", "events", "archive", "volume") go wrong. */
void scripted_engine_spoil(struct scripted_engine *engine, const char *word, enum engine_fault fault, int status,
                           unsigned times);
unsigned scripted_engine_calls(const struct scripted_engine *engine, const char *word); /* so far, spoilt ones too */
void scripted_engine_set_version(struct scripted_engine *engine, const char *api, const char *api_min);

/* Images: "local/python:3.11" is there at first. */
void scripted_engine_drop_image(struct scripted_engine *engine);
/* What the next pulls say, as they come; the image is there afterwards where there is no error in it. NULL: they hang
 * until scripted_engine_finish_pulls(). */
void scripted_engine_script_pull(struct scripted_engine *engine, const char *text);
void scripted_engine_finish_pulls(struct scripted_engine *engine);
unsigned scripted_engine_pulls(const struct scripted_engine *engine); /* under way */

/* Containers. */
bool scripted_container_exists(const struct scripted_engine *engine, struct name name);
enum container_stage scripted_container_stage(const struct scripted_engine *engine, struct name name);
void scripted_container_set_stage(struct scripted_engine *engine, struct name name, enum container_stage stage,
                                  int exit_code);
/* One that somebody else has made, with the labels of this instance or without any. */
void scripted_container_add(struct scripted_engine *engine, const char *name, const char *instance);
void scripted_container_drop(struct scripted_engine *engine, struct name name); /* as by `docker rm -f` */
bool scripted_volume_exists(const struct scripted_engine *engine, struct name name);
const char *scripted_engine_instance(const struct scripted_engine *engine); /* of the last container created; "" */

void scripted_keeper_go(struct scripted_engine *engine, struct name name);               /* "wait" goes on as "run" */
unsigned scripted_keeper_starts(const struct scripted_engine *engine, struct name name); /* of its program */

/* Events. */
unsigned scripted_engine_listeners(const struct scripted_engine *engine);
void scripted_engine_send_event(struct scripted_engine *engine, const char *action, struct name name);
void scripted_engine_send_bytes(struct scripted_engine *engine, const char *bytes, size_t size);
void scripted_engine_break_events(struct scripted_engine *engine);
