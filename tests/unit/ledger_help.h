/* A ledger in a directory of its own, with a clock that the test sets. */
#pragma once

#include <ftw.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/ledger.h"

static _Atomic int64_t test_now_ms = 1000000;
static inline int64_t test_wall(const struct clock *c)
{
	(void)c;
	return test_now_ms;
}
static const struct clock test_clock = {test_wall, test_wall};

struct place {
	char dir[64], data[80], keys[80];
	struct ledger_settings settings;
};

static inline void place_make(struct place *p)
{
	snprintf(p->dir, sizeof p->dir, "/tmp/ledger-test.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->data, sizeof p->data, "%s/data", p->dir);
	snprintf(p->keys, sizeof p->keys, "%s/keys", p->dir);
	p->settings = (struct ledger_settings){.dir = p->data, .key_dir = p->keys, .map_bytes = 1 << 30};
}

static inline int place_unlink(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void place_remove(struct place *p)
{
	nftw(p->dir, place_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline struct ledger *place_open(struct place *p)
{
	struct ledger *l = NULL;
	struct err err = {0};
	if (ledger_open(&l, &p->settings, &test_clock, &err) < 0)
		fail_msg("ledger_open: %s", err.text);
	return l;
}

static inline struct scope scope_named(const char *name)
{
	struct scope s;
	struct err err;
	assert_int_equal(scope_parse(view_of(name), &s, &err), 0);
	return s;
}

static inline struct person_key person_of(const struct ledger *l, const char *address)
{
	struct person_key k;
	ledger_person_key(l, CHANNEL_EMAIL, view_of(address), &k);
	return k;
}

/* A change about ADDRESS at SCOPE; the caller adds what else it needs. */
static inline struct change change_on(
    const struct ledger *l, enum change_kind kind, const char *address, const char *scope)
{
	return (struct change){.kind = kind,
	    .channel = CHANNEL_EMAIL,
	    .who = person_of(l, address),
	    .address = view_of(address),
	    .scope = scope_named(scope),
	    .source = V("test"),
	    .actor = V("user:test")};
}

static inline struct change_result change_ok(struct ledger *l, const struct change *c)
{
	struct change_result r;
	struct err err = {0};
	if (ledger_change(l, c, &r, &err) < 0)
		fail_msg("ledger_change: %s", err.text);
	return r;
}

#define SOFT_EVIDENCE "sale=A-17 product=shoes refusal=box"

/* Takes C's row away as two people do: one asks, the other approves. */
static inline struct change_result remove_ok(struct ledger *l, const struct change *c)
{
	struct change ask = *c, approve = *c;
	ask.kind = CHANGE_REQUEST;
	ask.actor = V("user:first");
	approve.request = change_ok(l, &ask).seq;
	return change_ok(l, &approve);
}

static inline struct change_result suppress_ok(
    struct ledger *l, const char *address, const char *scope, enum reason reason)
{
	struct change c = change_on(l, CHANGE_SUPPRESS, address, scope);
	c.reason = reason;
	return change_ok(l, &c);
}
