/* Addresses of the network: "127.0.0.1:25", "[::1]:25", "unix:/run/optgate.sock", "systemd:NAME" (sd_listen_fds); networks in CIDR form. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/view.h"

#define ENDPOINT_TEXT 128

struct endpoint {
	struct sockaddr_storage sa;
	socklen_t sa_len;
};

struct network {
	uint8_t addr[16]; /* IPv4 as v4-mapped */
	unsigned bits;    /* of 128 */
};

int endpoint_parse(const char *text, struct endpoint *ret, struct err *err) MUST_CHECK;
void endpoint_text(const struct endpoint *e, char dst[ENDPOINT_TEXT]);    /* with port */
void endpoint_ip_text(const struct endpoint *e, char dst[ENDPOINT_TEXT]); /* address only; "unix" for a unix socket */
uint16_t endpoint_port(const struct endpoint *e);
bool endpoint_ip_bytes(const struct endpoint *e, uint8_t dst[16]); /* IPv4 as v4-mapped; false for a unix socket */
int network_parse(
    const char *text, struct network *ret, struct err *err) MUST_CHECK; /* "10.0.0.0/8", "::1", "192.0.2.1" */
bool network_has(const struct network *n, const struct endpoint *e);
bool networks_have(const struct network *list, unsigned n, const struct endpoint *e);
/* Of the internet at large: not private, loopback, link-local, multicast, reserved, or a translation of another address. */
bool endpoint_is_public(const struct endpoint *e);
/* A bound, listening, non-blocking, close-on-exec socket. "systemd:NAME" takes the one that systemd passed. */
int listen_on(const char *text, int backlog, int *ret_fd, struct err *err) MUST_CHECK;
int endpoint_of_fd(
    int fd, struct endpoint *ret, struct err *err) MUST_CHECK; /* getsockname: the port that the kernel gave */
