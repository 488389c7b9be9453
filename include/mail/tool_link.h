/* A tool's own one-click link, in the List-Unsubscribe field of its mail (RFC 2369 3.2, RFC 8058 3.1), and which hosts' links may be used.
 * Pure. */
#pragma once

#include "base/err.h"
#include "base/view.h"

#define TOOL_LINK_MAX 400 /* bytes of a link; a longer one is none */

struct tool_link {
	struct view url;  /* whole: "https://host[:port]/path?query" */
	struct view host; /* a name or an IPv4 address, as written */
	uint16_t port;    /* 443 when none is written */
};

/* An https URL without user, fragment, blank or control byte, at most TOOL_LINK_MAX long. Views into URL. */
bool tool_link_parse(struct view url, struct tool_link *ret);
/* The first such URL in angle brackets in the value of a List-Unsubscribe field, unfolded; comments are passed over. */
bool tool_link_find(struct view value, struct tool_link *ret);
/* What List-Unsubscribe-Post must hold for the link to be one that is POSTed to. */
bool tool_link_takes_post(struct view value);

/* PATTERN: "lists.example.com", "lists.example.com:8443" (that port, not 443), or "*.example.com" for every host below it. */
bool tool_link_fits(const struct tool_link *l, struct view pattern);
int tool_link_pattern_check(struct view pattern, struct err *err) MUST_CHECK;
