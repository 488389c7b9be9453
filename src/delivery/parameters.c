#include "parameters.h"

#include "base/codec.h"

/* Printable ASCII but "+" and "=" stands for itself; the rest is "+" and two hex digits. */
static size_t xtext_length(struct view v)
{
	size_t n = 0;
	for (size_t i = 0; i < v.n; i++)
		n += v.p[i] > ' ' && v.p[i] < 0x7f && v.p[i] != '+' && v.p[i] != '=' ? 1 : 3;
	return n;
}

static bool is_plain(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] < ' ' || (unsigned char)v.p[i] >= 0x7f)
			return false;
	return true;
}

static bool keep(char *dst, struct view v)
{
	if (!is_plain(v) || xtext_length(v) > ENCODED_MAX || !view_str(v, dst, ENCODED_MAX + 1))
		dst[0] = 0;
	return dst[0] != 0;
}

/* RFC 3461 4: xtext. False for what is none, or doesn't fit; DST is unfinished then. */
static bool decode(struct view text, char *dst, size_t size)
{
	size_t n = 0;
	dst[0] = 0;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (c == '+') {
			if (!hex_decode(view_sub(text, i + 1, i + 3), &c, 1))
				return false;
			i += 2;
		}
		if (n + 1 >= size || c == 0)
			return false;
		dst[n++] = c;
	}
	dst[n] = 0;
	return true;
}

/* "rfc822;user+2Btag@example.com" */
static void take_orcpt(struct parameters *p, struct view orcpt)
{
	struct view type;
	char text[ENCODED_MAX + 1];
	if (view_find(orcpt, 0, ';') == orcpt.n || !view_cut(&orcpt, ';', &type) || !decode(orcpt, text, sizeof text))
		return;
	for (size_t i = 0; i < type.n; i++)
		if (!ascii_is_alnum(type.p[i]) && type.p[i] != '-')
			return;
	if (keep(p->orcpt, view_of(text)) && !keep(p->orcpt_type, type))
		p->orcpt[0] = 0;
}

bool has_eight_bit(struct view v)
{
	uint64_t all = 0, word;
	size_t i = 0;
	for (; i + sizeof word <= v.n; i += sizeof word) {
		memcpy(&word, v.p + i, sizeof word);
		all |= word;
	}
	for (; i < v.n; i++)
		all |= (unsigned char)v.p[i];
	return all & 0x8080808080808080u;
}

void parameters_make(struct parameters *ret, const struct envelope *e, const struct recipient *r, bool ours)
{
	*ret = (struct parameters){.ret = e->ret, .notify = r->notify};
	keep(ret->envid, e->envid);
	take_orcpt(ret, r->orcpt);
	if (ours && r->notify)
		ret->notify = r->notify & NOTIFY_NEVER ? 0 : (uint8_t)((r->notify & ~NOTIFY_SUCCESS) | NOTIFY_FAILURE);
}
