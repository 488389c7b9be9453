/* Is there a valid DKIM signature (RFC 6376, RFC 8463) of this domain? rsa-sha256 and ed25519-sha256; rsa-sha1 is none. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "mail/header.h"

#define DKIM_SIGNATURES_MAX 10 /* looked at */
#define DKIM_RECORD_MAX 4096

/* The TXT record of NAME ("s1._domainkey.example.com"), its strings joined, appended to OUT. ERR_MISSING: there is none;
 * ERR_UNAVAILABLE: not now. */
typedef int dkim_lookup(void *arg, const char *name, struct buf *out, struct err *err);

enum dkim_result { DKIM_NONE, DKIM_PASS, DKIM_FAIL, DKIM_LATER };
/* HEAD and its body, CRLF lines. DOMAIN: canonical; a signature of it or of a domain above it counts (its d= must have a
 * dot). NOW_S: for x=. WHY names what was wrong, for the log. */
enum dkim_result dkim_verify(const struct head *head, struct view body, struct view domain, int64_t now_s,
    dkim_lookup *lookup, void *arg, struct err *why);

/* A lookup by DNS: ARG is a struct dkim_resolver. */
struct dkim_resolver {
	const char *server; /* "127.0.0.1:5353": a stub resolver of its own; NULL = the system's */
	int timeout_s;
};
int dkim_lookup_dns(void *arg, const char *name, struct buf *out, struct err *err);
