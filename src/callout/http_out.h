/* The one door to HTTP outward: a POST over https to a host that somebody else has named. Nobody else in the house knows libcurl. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/view.h"

#define HTTP_OUT_WHY 160

/* Connections that stay open between calls. Of one thread. */
struct http_out;
struct http_out *http_out_new(const _Atomic bool *stop); /* *STOP breaks a call off within a second */
void http_out_free(struct http_out **h);

struct http_out_post {
	const char *url;
	const char *content_type;
	struct view body;
	bool anywhere;       /* at any address; else only at public ones (net/endpoint.h) */
	const char *ca_file; /* NULL = the system's */
	int64_t timeout_ms;
};
/* The status of the answer; 0: there was none, and WHY says why, in printable ASCII. A redirect is an answer. */
int http_out_post(struct http_out *h, const struct http_out_post *p, char why[HTTP_OUT_WHY]);
