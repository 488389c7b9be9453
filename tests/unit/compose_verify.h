/* A DKIM verifier for tests, written from RFC 6376 without the code under test: byte by byte, slow, relaxed/relaxed only. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "crypto/hash.h"
#include "crypto/sign.h"

struct verify_field {
	struct view raw, name, value;
	bool used;
};

#define VERIFY_FIELDS 2000

static inline unsigned verify_split(struct view head, struct verify_field *f)
{
	unsigned n = 0;
	for (size_t at = 0; at + 2 < head.n && n < VERIFY_FIELDS;) {
		size_t end = at;
		do {
			while (end < head.n && head.p[end] != '\n')
				end++;
			end++;
		} while (end < head.n && (head.p[end] == ' ' || head.p[end] == '\t'));
		f[n].raw = view_n(head.p + at, end - at);
		size_t colon = view_find(f[n].raw, 0, ':');
		f[n].name = view_trim(view_n(f[n].raw.p, colon));
		f[n].value = view_sub(f[n].raw, colon + 1, f[n].raw.n);
		f[n].used = false;
		n++;
		at = end;
	}
	return n;
}

static inline void verify_relaxed_field(struct view name, struct view value, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++)
		buf_byte(out, ascii_lower(name.p[i]));
	buf_byte(out, ':');
	bool blank = false, started = false;
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		if (c == '\r' || c == '\n')
			continue;
		if (c == ' ' || c == '\t') {
			blank = true;
			continue;
		}
		if (blank && started)
			buf_byte(out, ' ');
		blank = false;
		started = true;
		buf_byte(out, c);
	}
}

static inline void verify_relaxed_body(struct view body, struct buf *out)
{
	for (size_t at = 0; at < body.n;) {
		size_t end = view_find(body, at, '\n');
		bool blank = false;
		for (; at < end; at++) {
			char c = body.p[at];
			if (c == ' ' || c == '\t') {
				blank = true;
			} else if (c != '\r') {
				if (blank)
					buf_byte(out, ' ');
				blank = false;
				buf_byte(out, c);
			}
		}
		buf_str(out, "\r\n");
		at = end + 1;
	}
	while (out->n >= 4 && memcmp(out->p + out->n - 4, "\r\n\r\n", 4) == 0)
		out->n -= 2;
	if (out->n == 2)
		out->n = 0;
}

/* Value of a tag, all white space removed. */
static inline struct buf verify_tag(struct view value, const char *tag)
{
	struct buf got;
	buf_init(&got, 100000);
	struct view part;
	while (view_cut(&value, ';', &part)) {
		part = view_trim(part);
		size_t eq = view_find(part, 0, '=');
		if (!view_eq(view_sub(part, 0, eq), view_of(tag)))
			continue;
		for (size_t i = eq + 1; i < part.n; i++)
			if (!memchr(" \t\r\n", part.p[i], 4))
				buf_byte(&got, part.p[i]);
	}
	return got;
}

/* The signature field without what b= holds. */
static inline void verify_without_b(struct view value, struct buf *out)
{
	size_t b = view_ifind(value, V("\tb="));
	buf_add(out, view_sub(value, 0, b + 3));
}

static inline bool verify_dkim(struct verify_field *f, unsigned n, const struct verify_field *sig, struct view body, enum sign_kind kind,
    struct view public_bytes)
{
	struct buf canon, sig_value, want, bytes, h = verify_tag(sig->value, "h"), bh = verify_tag(sig->value, "bh"),
						  b = verify_tag(sig->value, "b");
	buf_init(&canon, 64 << 20), buf_init(&sig_value, 100000), buf_init(&want, 100), buf_init(&bytes, 2000);
	uint8_t hash[32];
	verify_relaxed_body(body, &canon);
	sha256(buf_view(&canon), hash);
	base64_encode(&want, view_n(hash, 32));
	bool good = view_eq(buf_view(&want), buf_view(&bh));
	buf_clear(&canon);
	struct view names = buf_view(&h), name;
	for (unsigned i = 0; i < n; i++)
		f[i].used = false;
	while (view_cut(&names, ':', &name))
		for (unsigned i = n; i-- > 0;)
			if (!f[i].used && view_ieq(f[i].name, name)) {
				f[i].used = true;
				verify_relaxed_field(f[i].name, f[i].value, &canon);
				buf_str(&canon, "\r\n");
				break;
			}
	verify_without_b(sig->value, &sig_value);
	verify_relaxed_field(sig->name, buf_view(&sig_value), &canon);
	sha256(buf_view(&canon), hash);
	good = good && base64_decode(buf_view(&b), &bytes) && sign_verify(kind, public_bytes, hash, buf_view(&bytes));
	buf_free(&canon), buf_free(&sig_value), buf_free(&want), buf_free(&bytes), buf_free(&h), buf_free(&bh), buf_free(&b);
	return good;
}
