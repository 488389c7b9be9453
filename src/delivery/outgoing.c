#include "outgoing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"

#define WRITE_MOST 16896 /* a TLS record; libesmtp writes 2048 in clear */

void outgoing_start(struct outgoing *o)
{
	*o = (struct outgoing){.bytes = mem_alloc(OUTGOING_BYTES)};
}

void outgoing_end(struct outgoing *o)
{
	free(o->bytes);
	*o = (struct outgoing){0};
}

bool outgoing_takes(const struct outgoing *o)
{
	return o->failed || OUTGOING_BYTES - (o->to - o->from) >= WRITE_MOST;
}

void outgoing_fail(struct outgoing *o, int why)
{
	o->failed = why;
	o->from = o->to = 0;
}

bool outgoing_send(struct outgoing *o, int fd)
{
	while (o->from < o->to) {
		ssize_t n = send(fd, o->bytes + o->from, o->to - o->from, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return false;
		if (n < 0)
			outgoing_fail(o, errno);
		else
			o->from += (size_t)n;
	}
	o->from = o->to = 0;
	return true;
}

static void close_up(struct outgoing *o)
{
	memmove(o->bytes, o->bytes + o->from, o->to - o->from);
	o->to -= o->from;
	o->from = 0;
}

ssize_t outgoing_put(struct outgoing *o, int fd, const void *bytes, size_t n)
{
	if (!o->failed && n > OUTGOING_BYTES - o->to) {
		outgoing_send(o, fd);
		close_up(o);
	}
	if (o->failed || n > OUTGOING_BYTES - o->to) {
		errno = o->failed ? o->failed : EAGAIN;
		return -1;
	}
	memcpy(o->bytes + o->to, bytes, n);
	o->to += n;
	return (ssize_t)n;
}
