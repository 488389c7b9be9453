#include "front.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>

#include "param.h"

enum { OF_XCLIENT = 1, OF_XFORWARD = 2 };

/* OFFSET 0 stands for an attribute that is of no use here. */
static const struct {
	const char *name;
	unsigned of;
	size_t offset;
	bool is_used;
} attributes[] = {
    {"NAME", OF_XCLIENT | OF_XFORWARD, offsetof(struct front, name), true},
    {"ADDR", OF_XCLIENT | OF_XFORWARD, offsetof(struct front, addr), true},
    {"PORT", OF_XCLIENT | OF_XFORWARD, offsetof(struct front, port), true},
    {"PROTO", OF_XCLIENT | OF_XFORWARD, offsetof(struct front, proto), true},
    {"HELO", OF_XCLIENT | OF_XFORWARD, offsetof(struct front, helo), true},
    {"LOGIN", OF_XCLIENT, offsetof(struct front, login), true},
    {"DESTADDR", OF_XCLIENT, 0, false},
    {"DESTPORT", OF_XCLIENT, 0, false},
    {"IDENT", OF_XFORWARD, 0, false},
    {"SOURCE", OF_XFORWARD, 0, false},
};

static bool parse_one(struct view word, unsigned of, struct front *f, struct reply *reply)
{
	struct view name, value = word;
	char text[FRONT_VALUE_MAX + 1];
	if (!view_cut(&value, '=', &name))
		name = word;
	int n = xtext_decode(value, text, FRONT_VALUE_MAX);
	if (n < 0) {
		reply_set(
		    reply, 501, "5.5.4", "Expected attributes as NAME=xtext, at most %d characters", FRONT_VALUE_MAX);
		return false;
	}
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
		if (!(attributes[i].of & of) || !view_ieq(name, view_of(attributes[i].name)))
			continue;
		struct view known = view_n(text, (size_t)n);
		if (view_ieq(known, V("[UNAVAILABLE]")) || view_ieq(known, V("[TEMPUNAVAIL]")))
			known.n = 0;
		return !attributes[i].is_used || view_str(known, (char *)f + attributes[i].offset, FRONT_VALUE_MAX + 1);
	}
	reply_set(reply, 501, "5.5.4", "Attribute not known");
	return false;
}

bool front_endpoint(const struct front *f, struct endpoint *ret)
{
	char text[FRONT_VALUE_MAX + 40];
	struct view addr = view_of(f->addr);
	uint64_t port = 0;
	if (view_istarts(addr, V("IPV6:")))
		addr = view_sub(addr, 5, addr.n);
	if (!addr.n || (f->port[0] && !view_u64(view_of(f->port), 65535, &port)))
		return false;
	bool v6 = view_find(addr, 0, ':') < addr.n;
	snprintf(text, sizeof text, v6 ? "[%.*s]:%u" : "%.*s:%u", VFMT(addr), (unsigned)port);
	return endpoint_parse(text, ret, NULL) == 0 && ret->sa.ss_family != AF_UNIX;
}

bool front_parse(struct view text, bool is_forward, struct front *ret, struct reply *reply)
{
	struct front f = *ret;
	struct endpoint e;
	struct view word;
	while (view_word(&text, &word))
		if (!parse_one(word, is_forward ? OF_XFORWARD : OF_XCLIENT, &f, reply))
			return false;
	if (f.addr[0] && !front_endpoint(&f, &e)) {
		reply_set(reply, 501, "5.5.4", "ADDR or PORT: no address");
		return false;
	}
	*ret = f;
	return true;
}
