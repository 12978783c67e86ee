#include "cli/batch.h"

#include "base/memory.h"
#include "cli/remote.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_SIZE = 64 };

static void count_verdict(struct batch_tally *tally, const char *name)
{
  size_t i = 0;
  while (i < tally->verdict_count && strcmp(tally->verdicts[i].name, name) != 0)
    i++;
  if (i == BATCH_VERDICTS_MAX)
    return;
  if (i == tally->verdict_count)
    snprintf(tally->verdicts[tally->verdict_count++].name, sizeof tally->verdicts->name, "%s", name);
  tally->verdicts[i].count++;
}

bool batch_tally_line(struct batch_tally *tally, const char *line, size_t size)
{
  CLEANUP_JSON json_t *evaluation = json_loadb(line, size, JSON_ALLOW_NUL, 0);
  json_int_t place = json_integer_value(json_at(evaluation, "batch.place"));
  if (place <= 0)
    return false;
  count_verdict(tally, json_text_at(evaluation, "status"));
  tally->ended++;
  tally->place = (uint64_t)place;
  return true;
}

/* Keeps the results that are whole, and forgets what was written behind them. */
static bool read_results(struct batch_files *files, struct error *error)
{
  CLEANUP_FREE char *line = 0;
  size_t capacity = 0;
  off_t whole = 0;
  for (ssize_t length; (length = getline(&line, &capacity, files->results)) > 0; whole += length)
    if (line[length - 1] != '\n' || !batch_tally_line(&files->tally, line, (size_t)length))
      break;
  if (ftruncate(fileno(files->results), whole) < 0 || fseeko(files->results, whole, SEEK_SET) < 0)
    return error_errno(error, "cannot go on with the results");
  return true;
}

static bool is_blank(const char *line)
{
  while (isspace((unsigned char)*line))
    line++;
  return !*line;
}

static bool count_lines(struct batch_files *files, struct error *error)
{
  CLEANUP_FREE char *line = 0;
  size_t capacity = 0;
  while (getline(&line, &capacity, files->program) > 0)
    files->lines += !is_blank(line);
  return !ferror(files->program) || error_errno(error, "cannot read the programs");
}

/* A key that is there already is that of a batch that was begun. */
static bool read_key(struct batch_files *files)
{
  char key[KEY_SIZE] = "";
  FILE *file = fopen(files->key_path, "re");
  if (!file)
    return false;
  bool good = fgets(key, sizeof key, file) && strncmp(key, "assay-batch-", 12) == 0;
  fclose(file);
  key[strcspn(key, "\n")] = 0;
  if (good)
    files->key = xstrdup(key);
  return good;
}

static bool make_key(struct batch_files *files, struct error *error)
{
  if (!remote_make_key("assay-batch", &files->key, error))
    return false;
  FILE *file = fopen(files->key_path, "wxe");
  bool good = file && fprintf(file, "%s\n", files->key) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
  if (file)
    good = fclose(file) == 0 && good;
  return good || error_errno(error, "cannot write %s", files->key_path);
}

static bool open_results(struct batch_files *files, const char *path, struct error *error)
{
  files->is_going_on = read_key(files);
  files->results = fopen(path, files->is_going_on ? "a+e" : "wxe");
  if (files->results)
    return files->is_going_on ? read_results(files, error) : make_key(files, error);
  if (errno == EEXIST)
    return error_set(error, ERROR_INVALID, EEXIST, "%s is there already, and no batch that was interrupted: remove it",
                     path);
  return error_errno(error, "cannot write %s", path);
}

bool batch_files_open(const char *program_path, const char *results_path, struct batch_files *ret, struct error *error)
{
  struct batch_files files = {.key_path = xasprintf("%s.batch", results_path)};
  files.program = fopen(program_path, "re");
  bool good = files.program || error_errno(error, "cannot read %s", program_path);
  if (good && count_lines(&files, error) && open_results(&files, results_path, error)) {
    *ret = files;
    return true;
  }
  batch_files_release(&files);
  return false;
}

void batch_files_done(struct batch_files *files)
{
  unlink(files->key_path);
}

void batch_files_release(struct batch_files *files)
{
  if (files->program)
    fclose(files->program);
  if (files->results)
    fclose(files->results);
  free(files->key);
  free(files->key_path);
  *files = (struct batch_files){0};
}
