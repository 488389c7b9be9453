/* Parameters of Content-Type and Content-Disposition (RFC 2045 5.1), with RFC 2231's sections:
 *
 *     boundary="x y"     name*0="a "; name*1=b     name*=utf-8'de'%C3%BC     name*0*=utf-8''%C3; name*1*=%BC; name*2=x
 *
 * The field is read once; sections are kept by their number until all are seen. */
#include "base/codec.h"
#include "lex.h"
#include "mail/mime.h"

struct section {
	struct view value; /* with its quotes; p == NULL: not seen */
	bool encoded;      /* %XX */
};

struct param {
	struct view name, value;
};

/* parameter := token "=" (token / quoted-string). Careless writers leave specials in an unquoted value: it goes on to
 * the next blank or ";". False at the end. */
static bool take_param(struct view *rest, struct param *ret)
{
	struct view v = *rest;
	for (;;) {
		size_t semicolon = lex_skip_cfws(v, 0);
		while (semicolon < v.n && v.p[semicolon] == ';')
			semicolon = lex_skip_cfws(v, semicolon + 1);
		v = view_sub(v, semicolon, v.n);
		if (v.n == 0)
			return false;
		size_t name = lex_token(v, 0), equals = lex_skip_cfws(v, name);
		if (name && equals < v.n && v.p[equals] == '=') {
			size_t from = lex_skip_cfws(v, equals + 1), to = from;
			if (from < v.n && v.p[from] == '"') {
				to = lex_closed(v, from, '"', '"');
				to = to ? to : v.n;
			} else {
				while (to < v.n && v.p[to] != ';' && !lex_is_fws(v.p[to]))
					to++;
			}
			ret->name = view_sub(v, 0, name);
			ret->value = view_sub(v, from, to);
			*rest = view_sub(v, to, v.n);
			return true;
		}
		v = view_sub(v, name ? name : 1, v.n); /* no parameter: passed over */
	}
}

/* The section that NAME is of WANTED: 0 for plain `name` and `name*`, else the number; -1 for another parameter. */
static int section_number(struct view name, struct view wanted, bool *ret_encoded)
{
	uint64_t number = 0;
	*ret_encoded = false;
	if (!view_istarts(name, wanted))
		return -1;
	struct view rest = view_sub(name, wanted.n, name.n);
	if (rest.n == 0)
		return 0;
	if (rest.p[0] != '*')
		return -1;
	if (rest.p[rest.n - 1] == '*') {
		*ret_encoded = true;
		rest.n--;
	}
	if (rest.n && !view_u64(view_sub(rest, 1, rest.n), MIME_MAX_SECTIONS - 1, &number))
		return -1;
	return (int)number;
}

static struct view inner(struct view value)
{
	if (!value.n || value.p[0] != '"')
		return value;
	bool closed = value.n > 1 && value.p[value.n - 1] == '"';
	return view_sub(value, 1, value.n - closed);
}

static void add_plain(struct buf *out, struct view value)
{
	bool quoted = value.n && value.p[0] == '"';
	struct view v = inner(value);
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '\r' || v.p[i] == '\n')
			continue;
		if (quoted && v.p[i] == '\\' && i + 1 < v.n)
			i++;
		buf_byte(out, v.p[i]);
	}
}

static void add_encoded(struct buf *out, struct view value, bool first)
{
	struct view v = inner(value), rest = v, charset, language;
	if (first && view_find(v, 0, '\'') < v.n && view_cut(&rest, '\'', &charset) && view_find(rest, 0, '\'') < rest.n) {
		view_cut(&rest, '\'', &language);
		v = rest;
	}
	for (size_t i = 0; i < v.n; i++) {
		char byte;
		if (v.p[i] == '%' && hex_decode(view_sub(v, i + 1, i + 3), &byte, 1)) {
			buf_byte(out, byte);
			i += 2;
		} else {
			buf_byte(out, v.p[i]);
		}
	}
}

/* Behind the field's own token: "multipart/mixed" or "attachment". */
static struct view params_of(struct view value)
{
	return view_sub(value, view_find(value, 0, ';'), value.n);
}

bool mime_param(struct view value, struct view name, struct buf *out)
{
	struct section sections[MIME_MAX_SECTIONS] = {{.encoded = false}};
	struct view rest = params_of(value);
	struct param p;
	bool encoded;
	while (take_param(&rest, &p)) {
		int i = section_number(p.name, name, &encoded);
		if (i >= 0 && !sections[i].value.p)
			sections[i] = (struct section){.value = p.value, .encoded = encoded};
	}
	for (size_t i = 0; i < MIME_MAX_SECTIONS && sections[i].value.p; i++) {
		if (sections[i].encoded)
			add_encoded(out, sections[i].value, i == 0);
		else
			add_plain(out, sections[i].value);
	}
	return sections[0].value.p != NULL;
}

struct view mime_token(struct view value)
{
	size_t from = lex_skip_cfws(value, 0);
	return view_sub(value, from, lex_token(value, from));
}
