#pragma once

/* What the files of this folder know of one another's server, listeners and connections. */

#include "http/parser.h"
#include "http/response.h"
#include "http/server.h"

#include <sys/un.h>

/* A listening socket (listen.c). */
struct listening {
  int fd;
  bool is_unix;
  struct sockaddr_un path; /* of a Unix socket, to remove it again */
  dev_t device;            /* which file it was, so that another's is not removed */
  ino_t inode;
};

bool listening_open(struct listening *listening, const char *address, char ret_address[static 256],
                    struct error *error);
void listening_close(struct listening *listening);

/* A connection (connection.c), and its answer under way (writer.c). */

enum connection_phase {
  PHASE_IDLE,      /* nothing of a request has arrived */
  PHASE_HEAD,      /* a part of its head has */
  PHASE_BODY,      /* the head has, and the body has not yet */
  PHASE_HANDLING,  /* a handler has it */
  PHASE_WRITING,   /* the answer is on its way */
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
  struct connection *previous, *next;
  union {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
  } socket;
  uv_timer_t deadline;
  unsigned handles_open;

  enum connection_phase phase;
  struct http_parser parser;
  struct http_request *request; /* being read, or handled */
  struct buffer early;          /* bytes of the next requests, that came before this one was answered */
  bool is_reading;              /* the socket */
  bool is_feeding;              /* the parser; an answer that is given meanwhile must not start another round */
  bool is_last;                 /* close after this answer */
  bool has_unread;              /* and the client may still be sending what nobody will read */
  struct outgoing out;
};

/* connection.c */
void connection_accept(struct http_server *server, int fd, bool is_unix); /* takes `fd` */
void connection_close(struct connection *connection);
void connection_enter(struct connection *connection, enum connection_phase phase); /* and sets its deadline */
void connection_answered(struct connection *connection); /* the kernel has all of the answer */
void connection_forget_request(struct connection *connection);
void connection_uncount_body(struct connection *connection); /* from the server's bodies_bytes */

/* reader.c */
void reader_start(struct connection *connection);
void reader_resume(struct connection *connection); /* with what came early */

/* respond.c */
void connection_refuse(struct connection *connection, enum refusal refusal); /* answers, and closes */

/* writer.c */
void connection_write(struct connection *connection); /* sends what stands in `out` */
void outgoing_release(struct outgoing *out);

struct listener {
  uv_poll_t poll;
  struct http_server *server;
  struct listener *next;
  struct listening listening;
};

struct http_server {
  uv_loop_t *loop;
  struct http_limits limits; /* with no zeros left */
  http_handler *handler;
  void *context;
  struct listener *listeners;
  struct connection *connections;
  struct http_server_counts counts;
  uint64_t bodies_bytes; /* of all requests together */
  bool is_stopping;      /* no longer listening: answers ask the clients to go */

  uv_timer_t accept_again; /* runs only while the process is out of descriptors or memory */
  bool is_starved;

  int64_t date_second;
  char date[DATE_SIZE];
  char *read_buffer; /* one for all: libuv hands out each read before it starts the next */

  unsigned handles_open;
  void (*closed)(void *context);
  void *closed_context;
};

enum { READ_BYTES = 64 * 1024 };

const char *server_date(struct http_server *server);
/* A handle of the server or of a connection is no more. The server goes with the last one. */
void server_handle_closed(struct http_server *server);
