#pragma once

/*
 * Inside the Docker backend. docker.c makes and ends it and tells how it works; known.c holds what is known of attempts;
 * launch.c, observe.c, kill.c and remove.c do one thing each for one attempt; decide.c says what a look comes to;
 * reconcile.c and events.c learn what there is; images.c fetches what a launch needs.
 */

#include "backend/answers.h"
#include "backend/backend_impl.h"
#include "backend/docker/attempt.h"
#include "backend/docker/docker.h"
#include "backend/docker/endpoint.h"
#include "backend/docker/engine.h"
#include "backend/evidence/evidence_read.h"
#include "backend/instance.h"
#include "loop/timer.h"
#include "loop/watch.h"

#include <string.h>

enum { LABEL_SIZE = 64 };

/*
 * What is known of one attempt while something is done for it, or worth being remembered. All of it is a matter of
 * speed: what counts is in the attempt's directory and with the engine, and a daemon that starts again knows nothing.
 */
struct known {
  struct docker *docker;
  struct name name;
  struct launch *launch; /* each NULL while none is under way */
  struct look *look;
  struct killing *killing;
  struct removal *removal;
  bool ours;                /* the container of its name, for certain */
  bool started;             /* the engine has shown the start marker, which lies in a volume */
  int watch;                /* inotify's number for its directory; -1: not watched */
  struct watch *keeper;     /* its process, a pidfd; NULL: not met, or dead */
  char reason[REASON_SIZE]; /* why the platform failed it, as far as is known; "" */
  struct mono not_before;   /* of the next launch, after a failed one */
  unsigned delay_ms;        /* that the next failure adds */
  struct known *next, *previous;
};

struct docker {
  struct backend backend; /* first: see backend_impl.h */
  uv_loop_t *loop;
  struct answers *answers;
  struct endpoint endpoint;
  struct engine *engine;
  enum docker_evidence evidence; /* as configured */
  bool remote;         /* the engine does not see this host's files: what is launched from now on has a volume */
  bool volumes_used;   /* by this daemon, or one before it: an attempt's evidence may lie in a volume (fetch.h) */
  struct blob *keeper; /* to be put there */
  char *keeper_path, *attempts_path;
  int docker_fd, attempts_fd;
  char instance[INSTANCE_SIZE], label[LABEL_SIZE]; /* "assay.instance=…" */
  unsigned slots;
  bool strict, privileged;
  unsigned cpus_milli;

  struct known *known;
  struct directory_watch *directory_watch;
  struct images *images;
  struct event_watch *event_watch;
  struct reconciler *reconciler;

  struct removals {
    struct removal *first, **last; /* that wait */
    unsigned count, active;        /* all of them; of these, under way */
  } removals;

  unsigned launching; /* launches that the engine is busy with */
  unsigned capacity;  /* as last told */
  bool was_refused;   /* somebody was told that there is no room, and wants to know when there is */
};

/* docker.c */
void docker_hint(struct docker *docker, struct name name);
void docker_capacity_changed(struct docker *docker); /* told on the next turn, where it has */
/* To be called before the first volume is made: whoever comes after us has to look there. */
bool docker_use_volumes(struct docker *docker, struct error *error);
/* Whether a launch can be taken now; where not, `ret_why` says what for. */
bool docker_has_room(const struct docker *docker, const char **ret_why);

/* known.c */
struct known *known_get(struct docker *docker, struct name name);        /* found or made */
struct known *known_find(const struct docker *docker, struct name name); /* or NULL */
void known_let_go(struct known *known); /* forgets it where nothing is left to be known; accepts NULL */
void known_forget(struct known *known); /* what is remembered of it; nothing is left of the attempt */
void known_watch(struct known *known);  /* hints from its directory, from now on */
/* Whether its keeper lives. The first that is met is watched, so that its end is a hint, and is asked no more: a keeper
 * that is frozen takes few connections. */
enum keeper_life known_keeper(struct known *known);
/* Kills the keeper that was met, and so the container. */
void known_kill_keeper(const struct known *known);
/* Remembers why the platform failed it, and puts off the next launch: longer each time. `reason` is copied. */
void known_failed(struct known *known, const char *reason);
struct directory_watch *directory_watch_create(struct docker *docker);
void directory_watch_destroy(struct directory_watch *watch); /* accepts NULL */

/* The operations, and what ends them when the backend does. */
void docker_launch(struct backend *backend, struct name name, struct blob *plan);
void launch_abandon(struct launch *launch);
void launch_give_up(struct launch *launch);                /* answers it where nothing is under way yet; accepts NULL */
void docker_look(struct docker *docker, struct name name); /* answers an observation */
void look_abandon(struct look *look);
void docker_kill(struct backend *backend, struct name name, enum kill_reason reason);
void killing_abandon(struct killing *killing);
void docker_remove(struct backend *backend, struct name name);
void removal_abandon(struct removal *removal);
void removals_resume(struct docker *docker); /* the engine is here */
