#include "http/transport.h"

#include "base/memory.h"
#include "http/tls.h"

#include <stdlib.h>
#include <string.h>

/* What a client can make us say without taking any of it. */
enum { BESIDE_BYTES_MAX = 64 * 1024 };

/* One write of sealed bytes, which are its own. */
struct sealed_write {
  uv_write_t request;
  struct buffer bytes;
  struct connection *connection;
  uv_write_cb written; /* NULL: nobody waits for it */
};

static void on_sealed_written(uv_write_t *request, int status)
{
  struct sealed_write *write = request->data;
  struct connection *connection = write->connection;
  uv_write_cb written = write->written;
  buffer_release(&write->bytes);
  free(write);
  if (written)
    written(&connection->out.request, status);
}

/* All that TLS has to send. */
static int flush_sealed(struct connection *connection, uv_write_cb written)
{
  struct sealed_write *write = xcalloc(1, sizeof *write);
  *write = (struct sealed_write){.connection = connection, .written = written, .request.data = write};
  int failed = tls_take(connection->tls, &write->bytes) ? 0 : UV_ENOMEM;
  uv_buf_t part = uv_buf_init(write->bytes.data, (unsigned)write->bytes.size);
  if (!failed && part.len)
    failed = uv_write(&write->request, &connection->socket.stream, &part, 1, on_sealed_written);
  if (failed || !part.len) {
    buffer_release(&write->bytes);
    free(write);
  }
  return failed;
}

int transport_try_write(struct connection *connection, const uv_buf_t *parts, unsigned count)
{
  return connection->tls ? UV_EAGAIN : uv_try_write(&connection->socket.stream, parts, count);
}

int transport_write(struct connection *connection, const uv_buf_t *parts, unsigned count, uv_write_cb written)
{
  connection->out.request.data = connection;
  if (!connection->tls)
    return uv_write(&connection->out.request, &connection->socket.stream, parts, count, written);
  for (unsigned i = 0; i < count; i++)
    if (!tls_write(connection->tls, parts[i].base, parts[i].len))
      return UV_EPROTO;
  return flush_sealed(connection, written);
}

/* False: what is queued is more than anybody who reads would let wait. */
static bool flush_beside(struct connection *connection)
{
  bool is_answering = connection->phase == PHASE_WRITING;
  return flush_sealed(connection, NULL) == 0 &&
         (is_answering || uv_stream_get_write_queue_size(&connection->socket.stream) <= BESIDE_BYTES_MAX);
}

bool transport_write_beside(struct connection *connection, const char *text)
{
  uv_buf_t part = uv_buf_init((char *)text, (unsigned)strlen(text));
  if (connection->tls)
    return tls_write(connection->tls, text, part.len) && flush_beside(connection);
  int written = uv_try_write(&connection->socket.stream, &part, 1);
  /* A client that does not take earlier answers must do without: it is only a hint. But half a hint is a lie. */
  return written == UV_EAGAIN || written == (int)part.len;
}

void transport_write_end(struct connection *connection)
{
  if (!connection->tls || !tls_is_established(connection->tls))
    return;
  CLEANUP_BUFFER struct buffer bytes = {0};
  tls_write_end(connection->tls);
  tls_take(connection->tls, &bytes);
  uv_buf_t part = uv_buf_init(bytes.data, (unsigned)bytes.size);
  if (part.len)
    uv_try_write(&connection->socket.stream, &part, 1);
}

void transport_receive(struct connection *connection, const char *data, size_t size,
                       void (*take)(struct connection *connection, const char *data, size_t size),
                       void (*end)(struct connection *connection))
{
  char *bytes = connection->server->open_buffer;
  size_t got;
  enum tls_read read;
  tls_receive(connection->tls, data, size);
  while ((read = tls_read(connection->tls, bytes, READ_BYTES, &got)) == TLS_READ) {
    if (connection->phase == PHASE_HANDSHAKE)
      connection_enter(connection, PHASE_IDLE);
    take(connection, bytes, got);
    if (connection->phase == PHASE_CLOSING)
      return;
  }
  bool flushed = flush_beside(connection);
  if (read == TLS_READ_FAILED || !flushed)
    connection_close(connection);
  else if (read == TLS_READ_END)
    end(connection);
  else if (connection->phase == PHASE_HANDSHAKE && tls_is_established(connection->tls))
    connection_enter(connection, PHASE_IDLE);
}
