/* What libesmtp has written and the socket has not got yet. libesmtp writes 2 KiB at a time, and every write is a packet and a wake-up of
 * the hop; gathered here, a message of ordinary size is one. Sent when there is no more room, and before anybody waits for a reply. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define OUTGOING_BYTES 32768

struct outgoing {
	char *bytes; /* NULL: nothing is gathered */
	size_t from, to;
	int failed; /* errno of a send that failed for good: what was gathered is gone, and nothing follows it */
};

void outgoing_start(struct outgoing *o);
void outgoing_end(struct outgoing *o); /* what is left is not sent */

static inline bool outgoing_is_empty(const struct outgoing *o)
{
	return o->from == o->to;
}
/* There is room for whatever libesmtp writes at once, or an error to tell it. */
bool outgoing_takes(const struct outgoing *o);
/* As write(2) on a socket that doesn't block: all of it, or EAGAIN. */
ssize_t outgoing_put(struct outgoing *o, int fd, const void *bytes, size_t n);
/* Sends without waiting. False: some is left. */
bool outgoing_send(struct outgoing *o, int fd);
/* Whatever is left is not sent, and libesmtp is told WHY (an errno) when it writes more. */
void outgoing_fail(struct outgoing *o, int why);
