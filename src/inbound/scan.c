/* Mailboxes in running text: around an "@", what a mailbox may be made of. */
#include "internal.h"

static bool in_local(char c)
{
	return ascii_is_alnum(c) || memchr("!#$%&'*+/=?^_`{|}~.-", c, 20) || (unsigned char)c >= 0x80;
}

static bool in_domain(char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

/* Where the local part before AT begins: a quoted string, or a run of what may stand in one. */
static size_t local_start(struct view t, size_t at)
{
	size_t from = at;
	if (at >= 2 && t.p[at - 1] == '"') {
		for (size_t i = at - 1; i-- > 0 && at - i <= LOCAL_MAX + 2;) {
			if (t.p[i] == '"')
				return i;
			if (t.p[i] == '\r' || t.p[i] == '\n' || t.p[i] == '@')
				break;
		}
		return at;
	}
	while (from > 0 && in_local(t.p[from - 1]))
		from--;
	while (from < at && memchr("'`.", t.p[from], 3))
		from++;
	return from;
}

static size_t domain_end(struct view t, size_t at)
{
	size_t end = at + 1;
	while (end < t.n && in_domain(t.p[end]))
		end++;
	while (end > at + 1 && memchr(".-_", t.p[end - 1], 3))
		end--;
	return end;
}

bool scan_address(struct view text, size_t *from, struct found_address *ret)
{
	for (size_t at = view_find(text, *from, '@'); at < text.n; at = view_find(text, at + 1, '@')) {
		size_t start = local_start(text, at), end = domain_end(text, at);
		if (start < *from)
			start = *from;
		if (start == at || end == at + 1 || end - start > ADDRESS_MAX)
			continue;
		ret->address = view_sub(text, start, end);
		ret->at = start;
		*from = end;
		return true;
	}
	*from = text.n;
	return false;
}

/* What no grammar allows, but what somebody put before and after an "@". */
static struct view odd_address(struct arena *a, struct view written)
{
	if (view_starts(written, V("<")) && view_ends(written, V(">")))
		written = view_sub(written, 1, written.n - 1);
	size_t at = view_find(written, 0, '@');
	if (at == 0 || at + 1 >= written.n || written.n > ADDRESS_MAX)
		return (struct view){0};
	for (size_t i = 0; i < written.n; i++)
		if ((unsigned char)written.p[i] <= ' ' || written.p[i] == 0x7f ||
		    memchr("<>()[],;:\\\"", written.p[i], 11))
			return (struct view){0};
	struct view copy = arena_view(a, written);
	if (copy.p)
		ascii_lower_in_place((char *)copy.p, copy.n);
	return copy;
}

struct view canonical_address(struct arena *a, struct view written)
{
	struct address parsed;
	struct err ignored;
	written = view_trim(written);
	if (address_parse_loose(written, &parsed, &ignored) == 0)
		return arena_view(a, view_of(parsed.text));
	struct found_address found;
	size_t from = 0;
	if (!scan_address(written, &from, &found))
		return odd_address(a, written);
	if (address_parse(found.address, &parsed, &ignored) == 0)
		return arena_view(a, view_of(parsed.text));
	struct view copy = arena_view(a, found.address);
	if (copy.p)
		ascii_lower_in_place((char *)copy.p, copy.n);
	return copy;
}

struct report_recipient *report_add(struct arena *a, struct report *r, struct view address)
{
	for (unsigned i = 0; i < r->count; i++)
		if (view_eq(r->recipients[i].address, address))
			return &r->recipients[i];
	if (!r->recipients)
		r->recipients = arena_zero(a, REPORT_MAX_RECIPIENTS * sizeof *r->recipients);
	if (!r->recipients || r->count == REPORT_MAX_RECIPIENTS)
		return NULL;
	struct report_recipient *one = &r->recipients[r->count++];
	*one = (struct report_recipient){.address = address, .action = "", .reason = V("unknown")};
	return one;
}

unsigned field_addresses(struct arena *a, const struct head *h, struct view name, struct view *dst, unsigned max)
{
	unsigned count = 0;
	for (const struct field *f = head_find(h, name); f; f = head_next(h, f, name)) {
		struct found_address found;
		for (size_t from = 0; count < max && scan_address(f->value, &from, &found);) {
			struct view v = canonical_address(a, found.address);
			if (v.p)
				dst[count++] = v;
		}
	}
	return count;
}
