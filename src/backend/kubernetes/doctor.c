#include "backend/kubernetes/doctor.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION_MINOR_MIN = 20 };

static void check_cluster(const struct kubernetes_subject *subject, struct doctor_check *check)
{
  if (subject->trouble)
    check_find(check, CHECK_MISSING, "%.200s, found by %.100s: %.200s", subject->config->server,
               subject->config->found_by, subject->trouble);
  else
    check_find(check, CHECK_OK, "%.200s, found by %.100s", subject->config->server, subject->config->found_by);
}

static void check_version(const struct kubernetes_subject *subject, struct doctor_check *check)
{
  const char *minor = strncmp(subject->version, "v1.", 3) == 0 ? subject->version + 3 : 0;
  if (!*subject->version)
    check_find(check, CHECK_WARNING, "not known, as the cluster cannot be asked");
  else if (minor && strtoul(minor, 0, 10) < VERSION_MINOR_MIN)
    check_find(check, CHECK_MISSING, "%s, which is too old", subject->version);
  else
    check_find(check, CHECK_OK, "%s", subject->version);
}

static void check_identity(const struct kubernetes_subject *subject, struct doctor_check *check)
{
  const struct kubeconfig *config = subject->config;
  CLEANUP_FREE char *plugin = config->plugin ? xasprintf("a token from the plugin %.100s", config->plugin->name) : 0;
  const char *how = config->token_path                      ? "a token that is read again and again"
                    : plugin                                ? plugin
                    : config->token                         ? "a token"
                    : config->cert_path || config->cert_pem ? "a client certificate"
                                                            : "nobody";
  if (config->insecure)
    check_find(check, CHECK_WARNING, "%s, in the namespace %.100s; the server's certificate is not verified", how,
               subject->namespace_);
  else
    check_find(check, CHECK_OK, "%s, in the namespace %.100s", how, subject->namespace_);
}

static void check_keeper(const struct kubernetes_subject *subject, struct doctor_check *check)
{
  check_find(check, CHECK_OK, "%.400s", subject->keeper_image);
}

static void check_network(const struct kubernetes_subject *subject, struct doctor_check *check)
{
  check_find(
    check, CHECK_WARNING,
    "only a NetworkPolicy that denies everything in the namespace %.100s cuts it off, where the cluster enforces "
    "policies; that cannot be seen from here",
    subject->namespace_);
}

static void check_isolation(const struct kubernetes_subject *subject, struct doctor_check *check)
{
  if (subject->isolation_is_found)
    check_find_isolation(check, subject->isolation);
  else
    check_find(check, CHECK_WARNING, "not known before a program has run: the keeper in its pod finds out");
}

void kubernetes_doctor(const struct kubernetes_subject *subject, struct doctor_check ret[static KUBERNETES_CHECK_COUNT])
{
  static const struct {
    const char *name, *purpose;
    void (*check)(const struct kubernetes_subject *subject, struct doctor_check *check);
  } checks[] = {
#define X(name, purpose) {"kubernetes_" #name, purpose, check_##name},
    KUBERNETES_CHECKS(X)
#undef X
  };
  for (unsigned i = 0; i < KUBERNETES_CHECK_COUNT; i++) {
    ret[i] = (struct doctor_check){.name = checks[i].name, .purpose = checks[i].purpose};
    checks[i].check(subject, &ret[i]);
  }
}
