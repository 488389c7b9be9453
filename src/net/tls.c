/* One OpenSSL context for a certificate. TLS 1.2 and later, no renegotiation (a peer could make us work for nothing),
 * read and write buffers given back while a connection idles, no session cache (tickets carry what is needed). */
#include "net/tls.h"

#include <openssl/err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tls_internal.h"

struct tls_server {
	_Atomic long refs;
	SSL_CTX *ctx;
};

void tls_why(char *dst, size_t size, const char *doing)
{
	unsigned long e = ERR_get_error();
	const char *reason = e ? ERR_reason_error_string(e) : NULL;
	snprintf(dst, size, "%s: %s", doing, reason ? reason : e ? "error without a name" : "connection lost");
	ERR_clear_error();
}

static int tls_err(struct err *err, const char *doing, const char *file)
{
	char why[200];
	tls_why(why, sizeof why, doing);
	return err_set(err, ERR_SYNTAX, "%.100s: %s", file, why);
}

static SSL_CTX *new_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
				     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(
	    ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	return ctx;
}

int tls_server_new(struct tls_server **ret, const char *cert_file, const char *key_file, struct err *err)
{
	ERR_clear_error();
	struct tls_server *t = mem_zero(sizeof *t);
	t->refs = 1;
	t->ctx = new_context();
	int rc = 0;
	if (!t->ctx)
		rc = tls_err(err, "TLS context", cert_file);
	else if (SSL_CTX_use_certificate_chain_file(t->ctx, cert_file) != 1)
		rc = tls_err(err, "certificate", cert_file);
	else if (SSL_CTX_use_PrivateKey_file(t->ctx, key_file, SSL_FILETYPE_PEM) != 1)
		rc = tls_err(err, "private key", key_file);
	else if (SSL_CTX_check_private_key(t->ctx) != 1)
		rc = tls_err(err, "the key does not belong to the certificate", key_file);
	if (rc)
		tls_server_free(&t);
	else
		*ret = t;
	return rc;
}

struct tls_server *tls_server_hold(struct tls_server *t)
{
	if (t)
		atomic_fetch_add(&t->refs, 1);
	return t;
}

void tls_server_free(struct tls_server **tp)
{
	struct tls_server *t = *tp;
	*tp = NULL;
	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

SSL *tls_server_ssl(struct tls_server *t, int fd)
{
	ERR_clear_error();
	SSL *ssl = SSL_new(t->ctx);
	if (!ssl)
		return NULL;
	SSL_set_fd(ssl, fd);
	SSL_set_accept_state(ssl);
	return ssl;
}
