/* Copies, and what a copy may add. Rows of the copy are read page by page, each in a short transaction, and go through the same merging as
 * those of a bulk load. */
#include "ledger_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/blocks.h"
#include "ledger/upkeep.h"
#include "page.h"

/* ---- out ---- */

/* First under another name: what has its own name is whole. */
int ledger_backup(struct ledger *l, const char *dir, struct err *err)
{
	char part[PATH_MAX], whole[PATH_MAX];
	if (dir_make(dir, 0700, err) < 0 || path_join(part, sizeof part, dir, "data.mdb.part", err) < 0 ||
	    path_join(whole, sizeof whole, dir, "data.mdb", err) < 0)
		return -1;
	if (access(whole, F_OK) == 0)
		return err_set(err, ERR_CONFLICT, "%s: there is one already", whole);
	if (unlink(part) < 0 && errno != ENOENT)
		return err_sys(err, "%s", part);
	if (store_copy(l->store, part, err) < 0)
		return -1;
	if (rename(part, whole) < 0)
		return err_sys(err, "%s", whole);
	return dir_sync(dir, err);
}

/* ---- back ---- */

struct reader {
	struct ledger *from;
	struct row_page page;
	unsigned at;     /* within the page */
	unsigned tables; /* that were begun */
	bool begun;
	struct buf name; /* of the row at hand */
	uint64_t given;
	struct err err;
	bool failed;
};

static struct change suppression_change(const struct suppression *s)
{
	return (struct change){.kind = CHANGE_SUPPRESS, .channel = s->channel, .scope = s->scope, .reason = s->reason, .event_ms = s->event_ms,
	    .expires_ms = s->expires_ms, .note = view_of(s->note)};
}

static struct change withdrawal_change(const struct consent *k)
{
	return (struct change){.kind = CHANGE_WITHDRAW, .channel = k->channel, .scope = k->purpose, .event_ms = k->withdrawn_ms};
}

static const enum table blocking[] = {TABLE_SUPPRESSIONS, TABLE_BLOCKS, TABLE_CONSENTS};
#define BLOCKING (sizeof blocking / sizeof *blocking)

/* False after the last. */
static bool next_page(struct reader *r)
{
	if (!r->begun || r->page.count < PAGE_ROWS) {
		if (r->tables == BLOCKING)
			return false;
		row_page_begin(&r->page, blocking[r->tables++]);
	}
	r->begun = true;
	r->at = 0;
	r->failed = row_page_read(r->from, &r->page, &r->err) < 0;
	return !r->failed;
}

/* What a domain's or a digest's row stands for, where person.key is the same. */
static struct view subject_text(struct reader *r, const struct person_key *who)
{
	buf_clear(&r->name);
	return ledger_person(r->from, who, &r->name, NULL) == 0 ? buf_view(&r->name) : V("");
}

static bool next_block(void *arg, struct change *c)
{
	struct reader *r = arg;
	for (;;) {
		for (; r->at < r->page.count; r->at++) {
			bool consents = r->page.table == TABLE_CONSENTS;
			if (consents && !r->page.consents[r->at].withdrawn_ms)
				continue;
			*c = consents ? withdrawal_change(&r->page.consents[r->at]) : suppression_change(&r->page.suppressions[r->at]);
			c->who = r->page.who[r->at++];
			if (r->page.table == TABLE_BLOCKS)
				c->address = subject_text(r, &c->who);
			r->given++;
			return true;
		}
		if (!next_page(r))
			return false;
	}
}

static bool same_key(const struct ledger *a, const struct ledger *b)
{
	struct person_key x, y;
	ledger_person_key(a, CHANNEL_EMAIL, V("a@example.com"), &x);
	ledger_person_key(b, CHANNEL_EMAIL, V("a@example.com"), &y);
	return memcmp(x.b, y.b, sizeof x.b) == 0;
}

int ledger_restore(struct ledger *into, struct ledger *from, struct view source, struct view actor, struct restored *ret, struct err *err)
{
	if (!same_key(into, from))
		return err_set(err, ERR_REFUSED, "the copy was made with another ledger key: nobody in it can be recognised");
	struct reader *r = mem_zero(sizeof *r);
	r->from = from;
	buf_init(&r->name, BLOCK_TEXT);
	struct restored done = {0};
	int rc = ledger_load(into, next_block, r, source, actor, &done.changed, err);
	done.blocks = r->given;
	if (rc == 0 && r->failed) {
		if (err)
			*err = r->err;
		rc = -1;
	}
	if (rc == 0)
		rc = families_copy(into, from, err);
	uint64_t caps = 0;
	if (rc == 0)
		rc = caps_copy(into, from, source, actor, &caps, err);
	done.changed += caps;
	if (rc == 0)
		rc = wordings_copy(into, from, err);
	*ret = done;
	buf_free(&r->name);
	free(r);
	return rc;
}
