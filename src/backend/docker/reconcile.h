#pragma once

/*
 * What the engine holds of ours, container by container, and what lies on this host: listed when the engine has come,
 * when its events were interrupted, when somebody asks, and every ten seconds. Each of them is a hint.
 *
 * What the core does not know is removed when it is told `found`. That is only told of what is old enough: a container
 * that has been listed for `grace_ms`, by our own clock, so that nothing falls between two chairs that is just being made;
 * a directory at once when there is no container of its name. Containers without our labels are never told of.
 */

struct docker;
struct reconciler;

struct reconciler *reconciler_create(struct docker *docker, unsigned grace_ms);
void reconciler_destroy(struct reconciler *reconciler); /* accepts NULL */
/* Now, or as soon as the engine is here. While one is under way, once more behind it. */
void reconcile(struct reconciler *reconciler);

struct event_watch;
struct event_watch *event_watch_create(struct docker *docker);
void event_watch_destroy(struct event_watch *watch); /* accepts NULL */
/* The engine is here: connects, and reconciles. */
void event_watch_begin(struct event_watch *watch);
