#include "yaml/yaml.h"

#include "base/fd.h"
#include "base/memory.h"

#include <fcntl.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { YAML_BYTES_MAX = 1024 * 1024 };

/* `ret_empty`: nothing is in it, or comments only. */
static struct fy_document *load_document(const char *path, struct fy_diag *diag, bool *ret_empty)
{
  struct fy_parse_cfg config = {.flags = FYPCF_RESOLVE_DOCUMENT, .diag = diag};
  struct fy_document *document = fy_document_build_from_file(&config, path);
  if (document)
    return document;
  /* That is also what it says of an empty file; a parser tells the two apart. */
  struct fy_parser *parser = fy_parser_create(&config);
  *ret_empty = parser && fy_parser_set_input_file(parser, path) == 0 && !fy_parse_load_document(parser) &&
               !fy_parser_get_stream_error(parser);
  fy_parser_destroy(parser);
  return 0;
}

/* A line that begins with "%". Nobody needs one in a configuration, and libfyaml 0.7 never ends with some of them. */
static bool has_directive(const struct blob *text)
{
  for (size_t i = 0; i < text->size; i++)
    if (text->data[i] == '%' && (i == 0 || text->data[i - 1] == '\n' || text->data[i - 1] == '\r'))
      return true;
  return false;
}

/* Of some that is not, libfyaml 0.7 leaks memory. */
static bool is_utf8(const struct blob *text)
{
  json_t *string = json_stringn((const char *)text->data, text->size);
  const bool good = string != 0;
  json_decref(string);
  return good;
}

static bool check_text(const char *path, struct error *error)
{
  CLEANUP_BLOB struct blob *text = file_read(AT_FDCWD, path, YAML_BYTES_MAX, error);
  if (!text)
    return error_wrap(error, "%s", path);
  if (!is_utf8(text))
    return error_set(error, ERROR_INVALID, 0, "%s is not UTF-8", path);
  return !has_directive(text) ||
         error_set(error, ERROR_INVALID, 0, "%s: a line begins with %%: directives of YAML are not taken", path);
}

/* What a plain scalar means in YAML 1.2's JSON schema, else a text. libfyaml 0.7 cannot say of every scalar what it means. */
static json_t *scalar_to_json(struct fy_node *node)
{
  size_t size = 0;
  const char *text = fy_node_get_scalar(node, &size);
  const bool plain = fy_node_get_style(node) == FYNS_PLAIN;
  if (plain && size == 0)
    return json_null();
  json_t *value = plain ? json_loadb(text, size, JSON_DECODE_ANY, 0) : 0;
  if (value && !json_is_object(value) && !json_is_array(value) && !json_is_string(value))
    return value;
  json_decref(value);
  return json_stringn(text ? text : "", size);
}

static json_t *node_to_json(struct fy_node *node);

static json_t *mapping_to_json(struct fy_node *node)
{
  json_t *object = json_object();
  void *place = 0;
  for (struct fy_node_pair *pair; object && (pair = fy_node_mapping_iterate(node, &place));) {
    json_t *key = fy_node_is_scalar(fy_node_pair_key(pair)) ? node_to_json(fy_node_pair_key(pair)) : 0;
    json_t *value = node_to_json(fy_node_pair_value(pair));
    bool good = json_is_string(key) && value && json_object_set(object, json_string_value(key), value) == 0;
    json_decref(key);
    json_decref(value);
    if (!good) {
      json_decref(object);
      return 0;
    }
  }
  return object;
}

static json_t *sequence_to_json(struct fy_node *node)
{
  json_t *array = json_array();
  void *place = 0;
  for (struct fy_node *item; array && (item = fy_node_sequence_iterate(node, &place));)
    if (json_array_append_new(array, node_to_json(item)) < 0) {
      json_decref(array);
      return 0;
    }
  return array;
}

/* NULL where it has no like in JSON. How deep it goes is bounded by the parser, and its size by the file's. */
static json_t *node_to_json(struct fy_node *node)
{
  if (!node)
    return json_null();
  if (fy_node_is_mapping(node))
    return mapping_to_json(node);
  return fy_node_is_sequence(node) ? sequence_to_json(node) : scalar_to_json(node);
}

json_t *yaml_load(const char *path, struct error *error)
{
  if (!check_text(path, error))
    return 0;
  CLEANUP_FREE char *complaints = 0;
  size_t complaints_size = 0;
  FILE *complaints_file = open_memstream(&complaints, &complaints_size);
  ASSERT(complaints_file);
  struct fy_diag_cfg diag_config;
  fy_diag_cfg_default(&diag_config);
  diag_config.fp = complaints_file;
  diag_config.colorize = false;
  struct fy_diag *diag = fy_diag_create(&diag_config);
  bool empty = false;
  struct fy_document *document = load_document(path, diag, &empty);
  fy_diag_destroy(diag);
  fclose(complaints_file);
  if (empty)
    return json_null();
  if (!document) {
    size_t end = strcspn(complaints, "\n");
    error_set(error, ERROR_INVALID, 0, "%s: cannot be read as YAML: %.*s", path, (int)end, complaints);
    return 0;
  }
  json_t *json = node_to_json(fy_document_root(document));
  fy_document_destroy(document);
  if (!json)
    error_set(error, ERROR_INVALID, 0, "%s: a key is no text, or a text is not UTF-8", path);
  return json;
}
