/* libesmtp compares the certificate with the DNS canonical name, knows no IP names, and sends no SNI. All three are done here,
 * inside the handshake; session.c then waves libesmtp's own comparison through. */
#include "tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

static bool is_ip(const char *name)
{
	unsigned char bytes[16];
	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static void say_name(const SSL *ssl, int where, int ret)
{
	(void)ret;
	const char *name = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	if (where == SSL_CB_HANDSHAKE_START && name && !SSL_is_init_finished(ssl))
		SSL_set_tlsext_host_name((SSL *)ssl, name); /* RFC 6066 3 */
}

static int check_name(SSL_CTX *ctx, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return is_ip(name) ? X509_VERIFY_PARAM_set1_ip_asc(param, name) : X509_VERIFY_PARAM_set1_host(param, name, 0);
}

static int verify(SSL_CTX *ctx, const char *name, const char *ca_file, struct err *err)
{
	int loaded = ca_file
	    ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL)
	    : SSL_CTX_set_default_verify_paths(ctx);
	if (loaded != 1)
		return err_set(err, ERR_UNAVAILABLE, "%s: no certificates can be read",
		    ca_file ? ca_file : "system CA store");
	if (check_name(ctx, name) != 1)
		return err_set(err, ERR_SYNTAX, "%s: not a name that a certificate can hold", name);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

int tls_client_new(SSL_CTX **ret, enum hop_tls mode, const char *name, const char *ca_file, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return err_set(err, ERR_SYSTEM, "TLS: no memory");
	if (mode != HOP_TLS_OPPORTUNISTIC)
		SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	if (!is_ip(name)) {
		SSL_CTX_set_app_data(ctx, (char *)name);
		SSL_CTX_set_info_callback(ctx, say_name);
	}
	int rc = mode == HOP_TLS_VERIFIED ? verify(ctx, name, ca_file, err) : 0;
	ERR_clear_error();
	if (rc == 0)
		*ret = ctx;
	else
		SSL_CTX_free(ctx);
	return rc;
}
