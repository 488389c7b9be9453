/* DKIM's canonical forms (RFC 6376 3.4) and signature field, as pure byte work: no keys here. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "mail/header.h"

/* Feeds the canonical body, piece by piece, to SINK. */
typedef void dkim_sink(void *arg, struct view piece);

/* Relaxed body (3.4.4), whole body at once (CRLF lines; a missing last CRLF is supplied, trailing empty lines go). */
void dkim_body_relaxed(struct view body, dkim_sink *sink, void *arg);
void dkim_body_simple(struct view body, dkim_sink *sink, void *arg);
/* One field, relaxed (3.4.2), with its CRLF. */
void dkim_field_relaxed(struct view name, struct view value, struct buf *out);

/* A tag list (3.2): value of TAG, trimmed; p == NULL when absent. */
struct view dkim_tag(struct view list, struct view tag);
