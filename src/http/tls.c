#include "http/tls.h"

#include "base/memory.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct tls_identity {
  SSL_CTX *context;
};

struct tls {
  SSL *ssl;
  BIO *in, *out; /* of `ssl` */
};

static bool openssl_failed(struct error *error, const char *path)
{
  char why[256] = "no reason is given";
  unsigned long code = ERR_peek_last_error();
  if (code)
    ERR_error_string_n(code, why, sizeof why);
  ERR_clear_error();
  return error_set(error, ERROR_INVALID, 0, "%s: %s", path, why);
}

/* A password would have to be asked for: a key that has one is refused. */
static int no_password(char *ret, int size, int writing, void *context)
{
  (void)ret;
  (void)size;
  (void)writing;
  (void)context;
  return -1;
}

/* RFC 7301: who offers protocols is told the one that we speak; who does not offer it is let try. */
static int choose_protocol(SSL *ssl, const unsigned char **ret, unsigned char *ret_length, const unsigned char *offered,
                           unsigned offered_length, void *context)
{
  static const unsigned char ours[] = "\x08http/1.1";
  (void)ssl;
  (void)context;
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, ret_length, ours, sizeof ours - 1, offered, offered_length) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *ret = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/* Nothing is kept of a connection that is over: no session and no ticket, whose key would outlive it. */
static void set_options(SSL_CTX *context)
{
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, no_password);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
}

struct tls_identity *tls_identity_load(const char *certificate_path, const char *key_path, struct error *error)
{
  struct tls_identity *identity = xcalloc(1, sizeof *identity);
  identity->context = SSL_CTX_new(TLS_server_method());
  ASSERT(identity->context);
  set_options(identity->context);
  bool good = true;
  if (SSL_CTX_use_certificate_chain_file(identity->context, certificate_path) != 1)
    good = openssl_failed(error, certificate_path);
  else if (SSL_CTX_use_PrivateKey_file(identity->context, key_path, SSL_FILETYPE_PEM) != 1 ||
           SSL_CTX_check_private_key(identity->context) != 1)
    good = openssl_failed(error, key_path);
  if (good)
    return identity;
  tls_identity_destroy(identity);
  return NULL;
}

void tls_identity_destroy(struct tls_identity *identity)
{
  if (!identity)
    return;
  SSL_CTX_free(identity->context);
  free(identity);
}

struct tls *tls_create(const struct tls_identity *identity)
{
  struct tls *tls = xcalloc(1, sizeof *tls);
  tls->ssl = SSL_new(identity->context);
  tls->in = BIO_new(BIO_s_mem());
  tls->out = BIO_new(BIO_s_mem());
  ASSERT(tls->ssl && tls->in && tls->out);
  SSL_set_bio(tls->ssl, tls->in, tls->out);
  SSL_set_accept_state(tls->ssl);
  return tls;
}

void tls_destroy(struct tls *tls)
{
  if (!tls)
    return;
  SSL_free(tls->ssl); /* and both BIOs */
  free(tls);
}

void tls_receive(struct tls *tls, const void *data, size_t size)
{
  ASSERT(size <= INT_MAX && BIO_write(tls->in, data, (int)size) == (int)size);
}

enum tls_read tls_read(struct tls *tls, void *bytes, size_t size, size_t *ret_size)
{
  ERR_clear_error(); /* of whoever was before us: SSL_get_error(3) looks at the thread's */
  int got = SSL_read_ex(tls->ssl, bytes, size, ret_size);
  if (got == 1)
    return TLS_READ;
  int why = SSL_get_error(tls->ssl, got);
  ERR_clear_error();
  return why == SSL_ERROR_WANT_READ ? TLS_READ_LATER : why == SSL_ERROR_ZERO_RETURN ? TLS_READ_END : TLS_READ_FAILED;
}

bool tls_is_established(const struct tls *tls)
{
  return SSL_is_init_finished(tls->ssl);
}

/* A BIO in memory takes everything, so nothing is ever left to be written later. */
bool tls_write(struct tls *tls, const void *data, size_t size)
{
  size_t written = 0;
  ERR_clear_error();
  bool good = size == 0 || (SSL_write_ex(tls->ssl, data, size, &written) == 1 && written == size);
  ERR_clear_error();
  return good;
}

void tls_write_end(struct tls *tls)
{
  ERR_clear_error();
  SSL_shutdown(tls->ssl);
  ERR_clear_error();
}

bool tls_take(struct tls *tls, struct buffer *ret)
{
  char *data;
  long size = BIO_get_mem_data(tls->out, &data);
  if (size <= 0)
    return true;
  bool good = buffer_try_append(ret, data, (size_t)size);
  BIO_reset(tls->out);
  return good;
}
