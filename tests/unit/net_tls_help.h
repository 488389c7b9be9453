/* A throw-away certificate in a temporary folder, and a blocking TLS client that trusts anything. */
#pragma once

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

struct test_cert {
	char dir[64], cert[96], key[96];
};

static inline void test_cert_make(struct test_cert *t)
{
	snprintf(t->dir, sizeof t->dir, "/tmp/optgate-cert-XXXXXX");
	ALWAYS(mkdtemp(t->dir));
	snprintf(t->cert, sizeof t->cert, "%s/cert.pem", t->dir);
	snprintf(t->key, sizeof t->key, "%s/key.pem", t->dir);
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"gate.test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	ALWAYS(X509_sign(x, key, EVP_sha256()));
	FILE *f = fopen(t->cert, "w");
	ALWAYS(f && PEM_write_X509(f, x) == 1 && fclose(f) == 0);
	f = fopen(t->key, "w");
	ALWAYS(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(f) == 0);
	X509_free(x);
	EVP_PKEY_free(key);
}

static inline void test_cert_remove(struct test_cert *t)
{
	unlink(t->cert);
	unlink(t->key);
	rmdir(t->dir);
}

static inline SSL *test_tls_client(int fd, int max_version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(ctx, max_version);
	SSL *ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(ssl, fd);
	return ssl;
}
