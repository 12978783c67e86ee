#include "backend/backend_impl.h"

const char *backend_name(const struct backend *backend)
{
  return backend->name;
}

unsigned backend_patience_ms(const struct backend *backend)
{
  return backend->patience_ms;
}

void backend_launch(struct backend *backend, struct name name, struct blob *plan)
{
  backend->operations->launch(backend, name, plan);
}

void backend_observe(struct backend *backend, struct name name)
{
  backend->operations->observe(backend, name);
}

void backend_kill(struct backend *backend, struct name name, enum kill_reason reason)
{
  backend->operations->kill(backend, name, reason);
}

void backend_remove(struct backend *backend, struct name name)
{
  backend->operations->remove(backend, name);
}

void backend_list(struct backend *backend)
{
  backend->operations->list(backend);
}

int backend_evidence(struct backend *backend, struct name name)
{
  return backend->operations->evidence ? backend->operations->evidence(backend, name) : -1;
}

uint32_t backend_isolation(const struct backend *backend)
{
  return backend->operations->isolation(backend);
}

void backend_doctor(const struct backend *backend, struct doctor_report *ret)
{
  ret->count = 0;
  if (backend->operations->doctor)
    backend->operations->doctor(backend, ret);
  ASSERT(ret->count <= DOCTOR_CHECKS_MAX);
}

void backend_destroy(struct backend *backend)
{
  if (backend)
    backend->operations->destroy(backend);
}
