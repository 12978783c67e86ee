/* Answers: of handlers (server.h), and the server's own refusals. */

#include "base/fd.h"
#include "base/memory.h"
#include "http/server_impl.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Statuses that never have a body (RFC 9110, section 6.4.1). */
static bool has_no_body(int status)
{
  return status == 204 || status == 304;
}

void connection_put_head(struct connection *connection, const struct http_response *response,
                         struct response_frame frame)
{
  struct http_server *server = connection->server;
  if (connection->phase == PHASE_TAKING) /* the rest of the body is nobody's */
    connection->is_last = connection->has_unread = true;
  connection->is_last =
    connection->is_last || server->is_stopping || !connection->request || !connection->request->keep_alive;
  frame.keep_alive = !connection->is_last;
  frame.date = server_date(server);
  response_put_head(&connection->out.head, response, &frame);
}

static void put_head(struct connection *connection, const struct http_response *response, uint64_t content_length)
{
  connection_put_head(connection, response, (struct response_frame){.content_length = content_length});
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
  if (connection->phase == PHASE_TAKING)
    connection_leave_request(connection);
  else
    connection_forget_request(connection);
  connection_write(connection);
}

void http_peer(const struct http_request *request, char ret[static HTTP_PEER_SIZE])
{
  struct sockaddr_storage address;
  int size = sizeof address;
  snprintf(ret, HTTP_PEER_SIZE, "%s", request->is_from_unix ? "unix" : "gone");
  if (!request->is_from_unix && request->connection &&
      uv_tcp_getpeername(&request->connection->socket.tcp, (struct sockaddr *)&address, &size) == 0)
    uv_ip_name((struct sockaddr *)&address, ret, HTTP_PEER_SIZE);
}

void http_body_release(struct http_request *request)
{
  if (request->connection)
    connection_uncount_body(request->connection);
  buffer_release(&request->body);
}
