/* TLS from the first byte (port 465), which libesmtp can't speak: it gets one end of a socket pair, a thread carries the bytes.
 *
 *   libesmtp ─ plain ─▶ [pair] ─▶ pump thread ─▶ TLS ─▶ next hop */
#pragma once

#include <openssl/ssl.h>

#include "base/err.h"

struct tls_pump;
/* Shakes hands over NET_FD (connected, non-blocking; stays the caller's) within TIMEOUT, then starts the thread. *RET_PLAIN: what libesmtp is given,
 * the caller's to close. ERR_UNAVAILABLE with the reason when TLS fails. */
int tls_pump_start(struct tls_pump **ret, int *ret_plain, SSL_CTX *ctx, int net_fd, int64_t timeout_ms, struct err *err) MUST_CHECK;
/* Cuts the connection and waits for the thread. Accepts NULL. */
void tls_pump_stop(struct tls_pump **p);
