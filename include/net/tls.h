/* TLS for streams we accept (OpenSSL). One context from certificate and key files; replaced on reload while old connections keep theirs. */
#pragma once

#include "base/err.h"

struct tls_server;
int tls_server_new(struct tls_server **ret, const char *cert_file, const char *key_file, struct err *err) MUST_CHECK;
void tls_server_free(struct tls_server **t);
struct tls_server *tls_server_hold(struct tls_server *t);
