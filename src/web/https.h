/* A certificate and its key for a listener that speaks HTTPS by itself: the door to GnuTLS, which the HTTP library brings along. */
#pragma once

#include "web/web.h"

/* TLS 1.2 with forward secrecy and 1.3, in our order. */
#define HTTPS_PRIORITIES \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-AES-128-CBC:-AES-256-CBC:%SERVER_PRECEDENCE"

/* What MHD_OPTION_HTTPS_CERT_CALLBACK wants. It asks https_certificate_of. */
void *https_callback(void);
/* http.c's: the certificate for a connection of the library's, which keeps it to its end; NULL = none. */
const struct certificate *https_certificate_of(void *connection);
