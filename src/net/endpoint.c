/* Addresses in text form, networks, and listening sockets. Host names are never looked up here: a listener
 * or a network is given by number. Unix sockets: a dead file left behind by an earlier process is replaced,
 * a live one is a conflict. */
#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static int parse_unix(struct view path, struct endpoint *e, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&e->sa;
	un->sun_family = AF_UNIX;
	if (path.n == 0 || !view_str(path, un->sun_path, sizeof un->sun_path))
		return err_set(
		    err, ERR_SYNTAX, "unix socket: a path of 1 to %zu bytes is expected", sizeof un->sun_path - 1);
	e->sa_len = sizeof *un;
	return 0;
}

/* Host and port of "127.0.0.1:25" or "[::1]:25". */
static bool split_port(struct view v, struct view *host, struct view *port)
{
	if (v.n && v.p[0] == '[') {
		size_t close = view_find(v, 0, ']');
		*host = view_sub(v, 1, close);
		*port = view_sub(v, close + 2, v.n);
		return close + 1 < v.n && v.p[close + 1] == ':';
	}
	size_t colon = view_find(v, 0, ':');
	*host = view_sub(v, 0, colon);
	*port = view_sub(v, colon + 1, v.n);
	return colon < v.n;
}

static int parse_inet(struct view v, struct endpoint *e, struct err *err)
{
	struct view host, port;
	uint64_t number;
	char ip[INET6_ADDRSTRLEN];
	struct sockaddr_in *in4 = (struct sockaddr_in *)&e->sa;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&e->sa;
	if (!split_port(v, &host, &port) || !view_u64(port, 65535, &number) || !view_str(host, ip, sizeof ip))
		return err_set(err, ERR_SYNTAX, "expected 127.0.0.1:25, [::1]:25, unix:/path or systemd:NAME");
	if (v.p[0] == '[' && inet_pton(AF_INET6, ip, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)number);
		e->sa_len = sizeof *in6;
		return 0;
	}
	if (v.p[0] != '[' && inet_pton(AF_INET, ip, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)number);
		e->sa_len = sizeof *in4;
		return 0;
	}
	return err_set(err, ERR_SYNTAX, "\"%s\" is not an IP address (an IPv6 address stands in brackets)", ip);
}

int endpoint_parse(const char *text, struct endpoint *ret, struct err *err)
{
	struct endpoint e = {0};
	struct view v = view_of(text);
	int bad = view_starts(v, V("unix:")) ? parse_unix(view_sub(v, 5, v.n), &e, err) : parse_inet(v, &e, err);
	if (bad)
		return -1;
	*ret = e;
	return 0;
}

static bool is_mapped(const struct sockaddr_in6 *in6)
{
	return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
}

void endpoint_ip_text(const struct endpoint *e, char dst[ENDPOINT_TEXT])
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)&e->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&e->sa;
	if (e->sa.ss_family == AF_INET)
		inet_ntop(AF_INET, &in4->sin_addr, dst, ENDPOINT_TEXT);
	else if (e->sa.ss_family == AF_INET6 && is_mapped(in6))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], dst, ENDPOINT_TEXT);
	else if (e->sa.ss_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, dst, ENDPOINT_TEXT);
	else
		snprintf(dst, ENDPOINT_TEXT, "unix");
}

void endpoint_text(const struct endpoint *e, char dst[ENDPOINT_TEXT])
{
	char ip[ENDPOINT_TEXT];
	endpoint_ip_text(e, ip);
	if (e->sa.ss_family == AF_UNIX)
		snprintf(dst, ENDPOINT_TEXT, "unix:%s", ((const struct sockaddr_un *)&e->sa)->sun_path);
	else
		snprintf(
		    dst, ENDPOINT_TEXT, strchr(ip, ':') ? "[%.100s]:%u" : "%.100s:%u", ip, (unsigned)endpoint_port(e));
}

uint16_t endpoint_port(const struct endpoint *e)
{
	if (e->sa.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&e->sa)->sin_port);
	if (e->sa.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&e->sa)->sin6_port);
	return 0;
}

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

bool endpoint_ip_bytes(const struct endpoint *e, uint8_t dst[16])
{
	if (e->sa.ss_family == AF_INET6) {
		memcpy(dst, &((const struct sockaddr_in6 *)&e->sa)->sin6_addr, 16);
		return true;
	}
	if (e->sa.ss_family != AF_INET)
		return false;
	memcpy(dst, mapped_prefix, 12);
	memcpy(dst + 12, &((const struct sockaddr_in *)&e->sa)->sin_addr, 4);
	return true;
}

/* True when the bits behind the first BITS are all zero. */
static bool host_part_is_zero(const uint8_t addr[16], unsigned bits)
{
	for (unsigned i = bits; i < 128; i++)
		if (addr[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

int network_parse(const char *text, struct network *ret, struct err *err)
{
	struct view v = view_of(text);
	size_t slash = view_find(v, 0, '/');
	char ip[INET6_ADDRSTRLEN];
	struct network n = {0};
	uint64_t bits;
	if (!view_str(view_sub(v, 0, slash), ip, sizeof ip))
		return err_set(err, ERR_SYNTAX, "network: expected 10.0.0.0/8, 2001:db8::/32 or one address");
	bool is_v4 = inet_pton(AF_INET, ip, n.addr + 12) == 1;
	if (is_v4)
		memcpy(n.addr, mapped_prefix, 12);
	else if (inet_pton(AF_INET6, ip, n.addr) != 1)
		return err_set(err, ERR_SYNTAX, "network: \"%s\" is not an IP address", ip);
	unsigned most = is_v4 ? 32 : 128;
	if (slash == v.n)
		bits = most;
	else if (!view_u64(view_sub(v, slash + 1, v.n), most, &bits))
		return err_set(err, ERR_SYNTAX, "network: the prefix length is a number up to %u", most);
	n.bits = (unsigned)bits + (128 - most);
	if (!host_part_is_zero(n.addr, n.bits))
		return err_set(err, ERR_SYNTAX, "network: bits are set behind the prefix of \"%.64s\"", text);
	*ret = n;
	return 0;
}

bool network_has(const struct network *n, const struct endpoint *e)
{
	uint8_t addr[16];
	if (!endpoint_ip_bytes(e, addr))
		return false;
	unsigned whole = n->bits / 8, rest = n->bits % 8;
	if (memcmp(addr, n->addr, whole) != 0)
		return false;
	return rest == 0 || ((addr[whole] ^ n->addr[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

bool networks_have(const struct network *list, unsigned n, const struct endpoint *e)
{
	for (unsigned i = 0; i < n; i++)
		if (network_has(&list[i], e))
			return true;
	return false;
}

static int take_from_systemd(const char *name, int *ret_fd, struct err *err)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), fd = -1;
	for (int i = 0; i < n; i++) {
		if (names && strcmp(names[i], name) == 0 && fd < 0)
			fd = SD_LISTEN_FDS_START + i;
		free(names ? names[i] : NULL);
	}
	free(names);
	if (fd < 0)
		return err_set(err, ERR_MISSING, "systemd passed no socket named \"%s\"", name);
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return err_set(err, ERR_REFUSED, "systemd's \"%s\" is not a listening stream socket", name);
	*ret_fd = fd;
	return 0;
}

/* A socket file whose owner is gone refuses connections. */
static bool unix_file_is_dead(const struct endpoint *e)
{
	struct stat st;
	if (stat(((const struct sockaddr_un *)&e->sa)->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool dead = connect(fd, (const struct sockaddr *)&e->sa, e->sa_len) != 0 && errno == ECONNREFUSED;
	close(fd);
	return dead;
}

static int bind_to(int fd, const struct endpoint *e)
{
	const struct sockaddr *sa = (const struct sockaddr *)&e->sa;
	if (bind(fd, sa, e->sa_len) == 0)
		return 0;
	if (errno != EADDRINUSE || sa->sa_family != AF_UNIX || !unix_file_is_dead(e))
		return -1;
	unlink(((const struct sockaddr_un *)&e->sa)->sun_path);
	return bind(fd, sa, e->sa_len);
}

int listen_on(const char *text, int backlog, int *ret_fd, struct err *err)
{
	struct endpoint e;
	int fd = -1, one = 1;
	if (view_starts(view_of(text), V("systemd:"))) {
		if (take_from_systemd(text + 8, &fd, err))
			return -1;
		*ret_fd = fd;
		return 0;
	}
	if (endpoint_parse(text, &e, err))
		return err_prefix(err, "%.100s", text);
	fd = socket(e.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "socket for %.100s", text);
	if (e.sa.ss_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (e.sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind_to(fd, &e) || listen(fd, backlog)) {
		err_sys(err, "cannot listen on %.100s", text);
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

int endpoint_of_fd(int fd, struct endpoint *ret, struct err *err)
{
	struct endpoint e = {.sa_len = sizeof e.sa};
	if (getsockname(fd, (struct sockaddr *)&e.sa, &e.sa_len))
		return err_sys(err, "getsockname");
	*ret = e;
	return 0;
}
