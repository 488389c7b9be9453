/* OpenSSL's side of a stream, for conn.c: its types don't leave this room. */
#pragma once

#include <openssl/ssl.h>

#include "net/tls.h"

/* A server-side SSL on FD, non-blocking. It keeps its context alive by itself. NULL without memory. */
SSL *tls_server_ssl(struct tls_server *t, int fd);
/* The oldest queued OpenSSL error as a sentence. */
void tls_why(char *dst, size_t size, const char *doing);
