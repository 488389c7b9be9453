/* libesmtp can't be given an IPv6 literal, nor a socket path, and would look up a canonical name that it then trusts
 * for the certificate. So it gets a dummy address, and connect() (interpose.c) goes where this file says. */
#include "resolve.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static int unix_path(const char *path, struct addresses *ret, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&ret->at[0].sa;
	un->sun_family = AF_UNIX;
	if (!view_str(view_of(path), un->sun_path, sizeof un->sun_path))
		return err_set(err, ERR_LIMIT, "%s: longer than a socket path's %zu bytes", path,
		    sizeof un->sun_path - 1);
	ret->at[0].sa_len = sizeof *un;
	ret->count = 1;
	return 0;
}

int resolve(const char *host, uint16_t port, struct addresses *ret, struct err *err)
{
	memset(ret, 0, sizeof *ret);
	if (host[0] == '/')
		return unix_path(host, ret, err);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char service[8];
	snprintf(service, sizeof service, "%u", port);
	int rc = getaddrinfo(host, service, &hints, &list);
	if (rc == EAI_NONAME) {
		hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
		rc = getaddrinfo(host, service, &hints, &list);
	}
	if (rc)
		return err_set(err, ERR_UNAVAILABLE, "%s: %s", host, gai_strerror(rc));
	for (struct addrinfo *a = list; a && ret->count < ADDRESSES_MAX; a = a->ai_next) {
		struct endpoint *e = &ret->at[ret->count++];
		memcpy(&e->sa, a->ai_addr, a->ai_addrlen);
		e->sa_len = a->ai_addrlen;
	}
	freeaddrinfo(list);
	return 0;
}
