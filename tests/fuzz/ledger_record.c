/* Stored rows: first byte says which kind. What is read must be written back to the same bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../src/ledger/format.h"
#include "base/mem.h"
#include "ledger/blocks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct buf *out, struct view value)
{
	ALWAYS(!out->failed && view_eq(buf_view(out), value));
}

static void suppression(struct view key, struct view value, struct buf *out)
{
	struct suppression s;
	struct suppression_row row;
	bool whole = suppression_decode(key, value, &s), quick = suppression_row_decode(key, value, &row);
	if (!whole)
		return;
	ALWAYS(quick && row.reason == s.reason && row.expires_ms == s.expires_ms && row.seq == s.seq &&
	       row.level == s.scope.level);
	suppression_encode(out, &s);
	same(out, value);
}

static void consent(struct view key, struct view value, struct buf *out)
{
	struct consent c;
	struct consent_row row;
	bool whole = consent_decode(key, value, &c), quick = consent_row_decode(key, value, &row);
	if (!whole)
		return;
	ALWAYS(quick && row.basis == c.basis && row.withdrawn_ms == c.withdrawn_ms && row.granted_ms == c.granted_ms);
	consent_encode(out, &c);
	same(out, value);
}

static void entry(struct view key, struct view value, struct buf *out)
{
	struct journal_record r;
	if (!journal_decode(key, value, &r) || r.detail.n == 0 || !journal_detail_matches(&r))
		return;
	journal_encode(out, &r);
	same(out, value);
}

static void name(struct view key, struct view value, struct buf *out)
{
	struct scope s = {.level = (enum scope_level)(key.n & 3)};
	if (!name_decode(value, &s))
		return;
	name_encode(out, &s);
	same(out, value);
}

static void scope(struct view key, struct view value, struct buf *out)
{
	struct scope s;
	(void)key;
	(void)out;
	if (scope_parse(value, &s, NULL) == 0)
		ALWAYS(view_eq(view_of(s.name), value));
}

static void allow(struct view key, struct view value, struct buf *out)
{
	struct suppression s;
	struct suppression_row row;
	bool whole = allow_decode(key, value, &s), quick = allow_row_decode(key, value, &row);
	if (!whole)
		return;
	ALWAYS(quick && row.reason == 0 && row.expires_ms == s.expires_ms && row.seq == s.seq && row.level == s.scope.level);
	suppression_encode(out, &s);
	same(out, value);
}

/* What is a name in any spelling is one in its canonical spelling, and looks like one. */
static void block_name(struct view key, struct view value, struct buf *out)
{
	struct block_name n, again;
	(void)key;
	(void)out;
	if (block_name_parse(value, &n, NULL) < 0)
		return;
	ALWAYS(channel_is_block(n.channel) && block_name_is_meant(value) && block_name_is_meant(view_of(n.text)));
	ALWAYS(block_name_parse(view_of(n.text), &again, NULL) == 0 && again.channel == n.channel && strcmp(again.text, n.text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(struct view key, struct view value, struct buf * out) = {
	    suppression, consent, entry, name, scope, allow, block_name};
	static const size_t key_bytes[] = {SUPPRESSION_KEY, CONSENT_KEY, 8, 2, 0, CONSENT_KEY, 0};
	struct buf out;
	if (size == 0 || data[0] >= sizeof kinds / sizeof *kinds || size - 1 < key_bytes[data[0]])
		return 0;
	size_t n = key_bytes[data[0]];
	buf_init(&out, 1 << 16);
	kinds[data[0]](view_n(data + 1, n), view_n(data + 1 + n, size - 1 - n), &out);
	buf_free(&out);
	return 0;
}
