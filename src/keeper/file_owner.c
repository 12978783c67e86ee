#include "keeper/file_owner.h"

#include <sys/fsuid.h>

struct file_owner file_owner_become(struct file_owner owner)
{
  const gid_t gid = (gid_t)setfsgid(owner.gid); /* first: a change of user may take the right to it */
  return (struct file_owner){(uid_t)setfsuid(owner.uid), gid};
}
