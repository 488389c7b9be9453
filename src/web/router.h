/* From method and path to a handler: a table. Pure. */
#pragma once

#include "base/counter.h"
#include "http.h"

#define STATUS_CLASSES 4 /* 2xx to 5xx */

struct web;
/* As http_service.serve: WEB_NOW with r->answer filled, or WEB_LATER. */
typedef enum web_when route_handler(struct web *w, struct web_request *r);

struct route {
	unsigned methods;        /* METHOD_GET takes HEAD with it; OPTIONS is answered for every path */
	const char *pattern;     /* a path, or a path ending in '*': one segment, not empty */
	route_handler *handle;
	struct counter *const *answers; /* STATUS_CLASSES counters */
};

/* The row for METHOD and PATH, or NULL. *RET_ALLOWED: every method that PATH knows; 0 = no such path. */
const struct route *route_find(const struct route *table, size_t n, enum method method, struct view path,
    struct view *ret_capture, unsigned *ret_allowed);
/* "GET, HEAD, OPTIONS". */
void route_allow_text(unsigned allowed, struct buf *out);
