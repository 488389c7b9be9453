/* The TLS side of a session that we open. */
#pragma once

#include <openssl/ssl.h>

#include "delivery/delivery.h"

/* A context of its own for each session (libesmtp's own is freed twice), with SNI and, for HOP_TLS_VERIFIED, the
 * certificate's chain and name checked by OpenSSL in the handshake. NAME must outlive it. */
int tls_client_new(SSL_CTX **ret, enum hop_tls mode, const char *name, const char *ca_file, struct err *err)
    MUST_CHECK;
