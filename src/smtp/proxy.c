#include "proxy.h"

#include <arpa/inet.h>

#include "base/be.h"

static const char signature[12] = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

enum {
	V2_HEAD = 16,
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	V2_UNSPEC = 0x00,
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_UNIX = 0x31
};

static struct endpoint endpoint_v4(const void *ip, uint16_t port)
{
	struct endpoint e = {.sa_len = sizeof(struct sockaddr_in)};
	struct sockaddr_in *in4 = (struct sockaddr_in *)&e.sa;
	in4->sin_family = AF_INET;
	in4->sin_port = htons(port);
	memcpy(&in4->sin_addr, ip, 4);
	return e;
}

static struct endpoint endpoint_v6(const void *ip, uint16_t port)
{
	struct endpoint e = {.sa_len = sizeof(struct sockaddr_in6)};
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e.sa;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, ip, 16);
	return e;
}

/* ---- version 1: "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n" */

static bool read_port(struct view text, uint16_t *ret)
{
	uint64_t port;
	if (!view_u64(text, 65535, &port) || (text.n > 1 && text.p[0] == '0'))
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* Source address, destination address, source port, destination port. */
static bool read_v1_addresses(struct view rest, int family, struct endpoint *ret)
{
	struct view word[4];
	uint8_t ip[2][16];
	uint16_t port[2];
	for (int i = 0; i < 4; i++)
		if (!view_cut(&rest, ' ', &word[i]))
			return false;
	for (int i = 0; i < 2; i++) {
		char text[INET6_ADDRSTRLEN];
		if (!view_str(word[i], text, sizeof text) || inet_pton(family, text, ip[i]) != 1 ||
		    !read_port(word[2 + i], &port[i]))
			return false;
	}
	if (rest.n)
		return false;
	*ret = family == AF_INET ? endpoint_v4(ip[0], port[0]) : endpoint_v6(ip[0], port[0]);
	return true;
}

static enum proxy_kind take_v1(struct view in, struct endpoint *ret_client, size_t *ret_eaten)
{
	in = view_sub(in, 0, PROXY_V1_MAX);
	size_t end = view_find(in, 0, '\n');
	if (end == in.n)
		return in.n == PROXY_V1_MAX ? PROXY_BAD : PROXY_MORE;
	struct view line = view_sub(in, 0, end + 1), family;
	if (!view_ends(line, V("\r\n")))
		return PROXY_BAD;
	line = view_sub(line, 6, line.n - 2);
	*ret_eaten = end + 1;
	if (!view_cut(&line, ' ', &family))
		return PROXY_BAD;
	if (view_eq(family, V("UNKNOWN")))
		return PROXY_LOCAL;
	if (view_eq(family, V("TCP4")))
		return read_v1_addresses(line, AF_INET, ret_client) ? PROXY_GOOD : PROXY_BAD;
	if (view_eq(family, V("TCP6")))
		return read_v1_addresses(line, AF_INET6, ret_client) ? PROXY_GOOD : PROXY_BAD;
	return PROXY_BAD;
}

/* ---- version 2: signature(12) command(1) family(1) length(2) | source, destination, ports | TLVs, which we don't need */

static enum proxy_kind read_v2_addresses(uint8_t family, struct view rest, struct endpoint *ret)
{
	struct be_reader r = {.rest = rest};
	size_t ip_n = family == V2_TCP4 ? 4 : 16;
	if (family == V2_UNSPEC || family == V2_UNIX)
		return PROXY_LOCAL;
	if (family != V2_TCP4 && family != V2_TCP6)
		return PROXY_BAD;
	struct view source = be_take(&r, ip_n);
	be_take(&r, ip_n);
	uint16_t port = (uint16_t)be_take_u(&r, 2);
	be_take(&r, 2);
	if (r.bad)
		return PROXY_BAD;
	*ret = family == V2_TCP4 ? endpoint_v4(source.p, port) : endpoint_v6(source.p, port);
	return PROXY_GOOD;
}

static enum proxy_kind take_v2(struct view in, struct endpoint *ret_client, size_t *ret_eaten)
{
	if (in.n < V2_HEAD)
		return PROXY_MORE;
	uint8_t command = (uint8_t)in.p[12], family = (uint8_t)in.p[13];
	size_t n = be_get(in.p + 14, 2);
	if ((command != V2_LOCAL && command != V2_PROXY) || V2_HEAD + n > PROXY_MAX)
		return PROXY_BAD;
	if (in.n < V2_HEAD + n)
		return PROXY_MORE;
	*ret_eaten = V2_HEAD + n;
	if (command == V2_LOCAL)
		return PROXY_LOCAL;
	return read_v2_addresses(family, view_sub(in, V2_HEAD, V2_HEAD + n), ret_client);
}

enum proxy_kind proxy_take(struct view in, struct endpoint *ret_client, size_t *ret_eaten)
{
	const struct {
		struct view start;
		enum proxy_kind (*take)(struct view in, struct endpoint *ret_client, size_t *ret_eaten);
	} versions[] = {{V("PROXY "), take_v1}, {view_n(signature, sizeof signature), take_v2}};
	for (int i = 0; i < 2; i++) {
		struct view start = versions[i].start;
		if (view_starts(in, start))
			return versions[i].take(in, ret_client, ret_eaten);
		if (in.n < start.n && view_starts(start, in))
			return PROXY_MORE;
	}
	return PROXY_BAD;
}
