#pragma once

/*
 * Copies of the small parts of the host's /etc that programs need to find libraries, certificates, time zones and
 * interpreters. They stand in memory, once for each keeper, and keep the number of mounts small, which every evaluation
 * pays for. What not everybody may read on the host is passed over: this is not the place to hand out secrets.
 */

/* Copies all entries of the directory `from` whose name matches into `to`. A pattern may end in "*". */
void copy_matching(int from, int to, const char *pattern);
