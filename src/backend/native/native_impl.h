#pragma once

/* Inside the native backend: native.c makes and ends it, operations.c does what it is asked, observe.c looks. */

#include "backend/answers.h"
#include "backend/backend_impl.h"
#include "backend/evidence/evidence_read.h"
#include "backend/native/chores.h"
#include "backend/native/native.h"
#include "backend/native/slot.h"

/* A launch that came between the end of one evaluation and the word that its slot is idle again. */
struct waiting {
  struct name name;
  struct blob *plan;
};

struct native {
  struct backend backend; /* first: see backend_impl.h */
  char *keeper_path, *native_path, *evidence_path;
  int evidence_fd;
  struct cgroup_layout cgroups;
  struct slot_config slot_config; /* shared by all slots */
  struct slot **slots;
  unsigned slot_count;
  unsigned slot_next; /* where the search for an idle slot begins */
  uint32_t features;  /* that the keepers of all slots have */
  struct answers *answers;
  struct chores *chores;
  struct waiting *waiting;
  size_t waiting_count;
  unsigned capacity; /* as last told */
  bool was_refused;  /* somebody was told that there is no room, and wants to know when there is */
};

/* The slot whose keeper runs this one, or NULL. */
struct slot *native_holder(const struct native *native, struct name name);
/* Whether it is known of every slot what it runs, so that what none of them holds runs nowhere. */
bool native_certain(const struct native *native);
/* Whether a launch of this one waits for a slot. */
bool native_waits(const struct native *native, struct name name);
void native_destroy(struct backend *backend);

/* operations.c */
extern const struct backend_operations native_operations;
void native_launch_waiting(struct native *native);
bool native_do_chore(void *context, enum chore_kind kind, struct name name);
/* Ends the tree of this one with no keeper's help. `init_pidfd` may be -1. */
void native_end_tree(struct native *native, struct name name, int init_pidfd);

/* observe.c: looks, and tells the caller of the backend what was seen. */
void native_look(struct native *native, struct name name);
