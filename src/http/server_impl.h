#pragma once

/* What the files of this folder know of one another's server, listeners and connections. */

#include "http/parser.h"
#include "http/response.h"
#include "http/server.h"

#include <sys/queue.h>
#include <sys/un.h>

/* A listening socket (listen.c). */
struct listening {
  int fd;
  bool is_unix;
  struct sockaddr_un path; /* of a Unix socket, to remove it again */
  dev_t device;            /* which file it was, so that another's is not removed */
  ino_t inode;
};

/* `mode` is that of a Unix socket's file. */
bool listening_open(struct listening *listening, const char *address, mode_t mode, char ret_address[static 256],
                    struct error *error);
bool listening_adopt(struct listening *listening, int fd, char ret_address[static 256], struct error *error);
void listening_close(struct listening *listening);

/* A connection (connection.c), and its answer under way (writer.c). */

enum connection_phase {
  PHASE_HANDSHAKE, /* TLS: it is not established */
  PHASE_IDLE,      /* nothing of a request has arrived */
  PHASE_HEAD,      /* a part of its head has */
  PHASE_BODY,      /* the head has, and the body has not yet */
  PHASE_TAKING,    /* a handler has it, and takes the body as it comes */
  PHASE_HANDLING,  /* a handler has it */
  PHASE_WRITING,   /* the answer, or a piece of it, is on its way */
  PHASE_STREAMING, /* the next piece of the answer is the handler's to give */
  PHASE_LINGERING, /* the last answer is written; what the client still sends is thrown away */
  PHASE_CLOSING,
};

struct outgoing {
  uv_write_t request;
  struct buffer head;
  struct buffer body; /* or the piece of the file that is being sent */
  int file;           /* -1: none */
  uint64_t file_offset, file_bytes_left;
  size_t unsent_bytes; /* when the deadline was set: fewer later is progress */
};

struct connection {
  struct http_server *server;
  TAILQ_ENTRY(connection) entry; /* among the server's */
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } socket;
  uv_timer_t deadline;
  unsigned handles_open;

  enum connection_phase phase;
  bool is_awaited;                 /* a request of it has not arrived, or not all: */
  TAILQ_ENTRY(connection) awaited; /* in this line */
  struct http_parser parser;
  struct http_request *request; /* being read, or handled */
  struct buffer early;          /* bytes of the next requests, that came before this one was answered */
  bool is_unix;
  struct tls *tls; /* NULL: none */
  bool is_reading; /* the socket */
  bool is_feeding; /* the parser; an answer that is given meanwhile must not start another round */
  bool is_last;    /* close after this answer */
  bool has_unread; /* and the client may still be sending what nobody will read */
  struct outgoing out;
  struct http_stream *stream; /* of an answer that is given piece by piece; or NULL */
};

/* connection.c */
void connection_accept(struct http_server *server, int fd, bool is_unix); /* takes `fd` */
void connection_close(struct connection *connection);
void connection_enter(struct connection *connection, enum connection_phase phase); /* and sets its deadline */
void connection_answered(struct connection *connection); /* the kernel has all of the answer */
void connection_forget_request(struct connection *connection);
void connection_leave_request(struct connection *connection); /* the handler still has to answer it, to nobody */
void connection_count_body(struct connection *connection);    /* what there is of it, to the server's bodies_bytes */
void connection_uncount_body(struct connection *connection);  /* from the server's bodies_bytes */

/* reader.c */
void reader_start(struct connection *connection);
void reader_resume(struct connection *connection); /* with what came early */
enum { BODY_ROOM_BYTES = 64 * 1024 };              /* of a body that is taken as it comes */

/* respond.c */
/* The head of an answer into `out`; date and keep_alive of `frame` are filled in here. */
void connection_put_head(struct connection *connection, const struct http_response *response,
                         struct response_frame frame);
void connection_refuse(struct connection *connection, enum refusal refusal); /* answers, and closes */

/* writer.c */
void connection_write(struct connection *connection); /* sends what stands in `out` */
void outgoing_release(struct outgoing *out);

/* stream.c */
void stream_leave(struct connection *connection); /* the connection is being closed: whoever streams is told */
void stream_destroy(struct http_stream *stream);  /* accepts NULL */

struct listener {
  uv_poll_t poll;
  struct http_server *server;
  struct listener *next;
  struct listening listening;
};

TAILQ_HEAD(connection_list, connection);

struct http_server {
  uv_loop_t *loop;
  struct http_limits limits;                                              /* with no zeros left */
  bool (*is_streamed)(void *context, const struct http_request *request); /* NULL: none is */
  uint64_t streamed_bytes_max;
  unsigned refused_max; /* connections over the limit that are told so; more are just closed */
  http_handler *handler;
  void *context;
  struct listener *listeners;
  mode_t socket_mode;                 /* of Unix sockets */
  struct tls_identity *identity;      /* of TCP ones; NULL: no TLS */
  struct connection_list connections; /* the newest first */
  struct connection_list awaited;     /* whose request has not arrived; who has been waited for longest is the first */
  struct http_server_counts counts;
  uint64_t bodies_bytes; /* of all requests together */
  bool is_stopping;      /* no longer listening: answers ask the clients to go */

  uv_timer_t accept_again; /* runs only while the process is out of descriptors or memory */
  bool is_starved;

  int64_t date_second;
  char date[DATE_SIZE];
  char *open_buffer; /* with TLS: what a read was inside; likewise */
  char *read_buffer; /* one for all: libuv hands out each read before it starts the next */

  unsigned handles_open;
  void (*closed)(void *context);
  void *closed_context;
};

enum { READ_BYTES = 64 * 1024 };

const char *server_date(struct http_server *server);
/* A handle of the server or of a connection is no more. The server goes with the last one. */
void server_handle_closed(struct http_server *server);
