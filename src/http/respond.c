/* Answers: of handlers (server.h), and the server's own refusals. */

#include "base/fd.h"
#include "base/memory.h"
#include "http/server_impl.h"

#include <string.h>

/* Statuses that never have a body (RFC 9110, section 6.4.1). */
static bool has_no_body(int status)
{
  return status == 204 || status == 304;
}

static void put_head(struct connection *connection, const struct http_response *response, uint64_t content_length)
{
  struct http_server *server = connection->server;
  connection->is_last =
    connection->is_last || server->is_stopping || !connection->request || !connection->request->keep_alive;
  struct response_frame frame = {
    .content_length = content_length,
    .keep_alive = !connection->is_last,
    .date = server_date(server),
  };
  response_put_head(&connection->out.head, response, &frame);
}

/* The answer to `request` stands in its connection's `out`, if it still has one. */
static void conclude(struct http_request *request)
{
  struct connection *connection = request->connection;
  if (!connection) {
    request_destroy(request);
    return;
  }
  connection_forget_request(connection);
  connection_write(connection);
}

static struct buffer take_buffer(struct buffer *buffer)
{
  struct buffer taken = {0};
  if (buffer) {
    taken = *buffer;
    *buffer = (struct buffer){0};
  }
  return taken;
}

void http_respond(struct http_request *request, const struct http_response *response, struct buffer *body)
{
  CLEANUP_BUFFER struct buffer taken = take_buffer(body);
  struct connection *connection = request->connection;
  if (connection) {
    put_head(connection, response, taken.size);
    if (strcmp(request->method, "HEAD") != 0 && !has_no_body(response->status))
      connection->out.body = take_buffer(&taken);
  }
  conclude(request);
}

void http_respond_file(struct http_request *request, const struct http_response *response, int fd, uint64_t offset,
                       uint64_t length)
{
  CLEANUP_FD int taken = fd;
  struct connection *connection = request->connection;
  if (connection) {
    put_head(connection, response, length);
    if (strcmp(request->method, "HEAD") != 0 && !has_no_body(response->status)) {
      connection->out.file = TAKE_FD(taken);
      connection->out.file_offset = offset;
      connection->out.file_bytes_left = length;
    }
  }
  conclude(request);
}

/* When to come back, where coming back makes sense (RFC 9110, section 10.2.3). */
static const struct http_header_field retry_fields[] = {{"Retry-After", "1"}, {0}};

static struct http_response problem_response(int status)
{
  bool is_worth_a_retry = status == 429 || status == 503;
  return (struct http_response){
    .status = status,
    .content_type = "application/problem+json",
    .fields = is_worth_a_retry ? retry_fields : 0,
  };
}

void http_respond_error(struct http_request *request, const struct error *error)
{
  int status = error_http_status(error->kind);
  struct http_response response = problem_response(status);
  CLEANUP_BUFFER struct buffer body = {0};
  response_put_problem(&body, status, error_title(error->kind), error->message);
  http_respond(request, &response, &body);
}

void connection_refuse(struct connection *connection, enum refusal refusal)
{
  int status = refusal_status(refusal);
  struct http_response response = problem_response(status);
  connection->is_last = true;
  connection->has_unread = true;
  response_put_problem(&connection->out.body, status, response_reason(status), refusal_detail(refusal));
  put_head(connection, &response, connection->out.body.size);
  connection_forget_request(connection);
  connection_write(connection);
}

void http_body_release(struct http_request *request)
{
  if (request->connection)
    connection_uncount_body(request->connection);
  buffer_release(&request->body);
}
