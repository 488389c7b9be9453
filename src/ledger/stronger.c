/* Only stronger (promise 4), as pure functions over rows. Merging is a maximum in every direction that blocks, so the order in which
 * changes arrive, and how often, makes no difference. */
#include "ledger_internal.h"

#include "ledger/blocks.h"
#include "ledger/wording.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* ---- suppressions ---- */

static bool lives_longer(int64_t a_expires_ms, int64_t b_expires_ms)
{
	return b_expires_ms != 0 && (a_expires_ms == 0 || a_expires_ms > b_expires_ms);
}

static void copy(char *dst, size_t size, struct view v)
{
	ALWAYS(view_str(v, dst, size)); /* change_check has seen to it */
}

static void suppression_words(struct suppression *row, const struct change *c)
{
	copy(row->source, sizeof row->source, c->source);
	copy(row->actor, sizeof row->actor, c->actor);
	copy(row->note, sizeof row->note, c->note);
}

/* The words are those of the change that gave the row its life. */
bool suppression_merge(struct suppression *row, const struct change *c, int64_t event_ms, int64_t now_ms)
{
	bool fresh = row->reason == 0, longer = !fresh && lives_longer(c->expires_ms, row->expires_ms);
	bool earlier = !fresh && event_ms < row->event_ms;
	if (fresh) {
		row->channel = c->channel;
		row->scope = c->scope;
		row->reason = c->reason;
		row->arrived_ms = now_ms;
	}
	if (fresh || earlier)
		row->event_ms = event_ms;
	if (fresh || longer) {
		row->expires_ms = c->expires_ms;
		suppression_words(row, c);
	}
	return fresh || longer || earlier;
}

/* ---- consents ---- */

static bool withdrawal_merge(struct consent *row, int64_t event_ms, bool *ret_counts)
{
	if (row->withdrawn_ms && event_ms <= row->withdrawn_ms)
		return false;
	*ret_counts = event_ms >= row->granted_ms || row->basis != BASIS_CONSENT;
	row->withdrawn_ms = event_ms;
	return true;
}

/* Once somebody has withdrawn, only their own new consent counts: no other basis can be argued past it. */
static bool grant_merge(struct consent *row, const struct change *c, int64_t event_ms, bool *ret_counts)
{
	bool newer = event_ms > row->granted_ms;
	bool shorter = event_ms == row->granted_ms && lives_longer(row->expires_ms, c->expires_ms);
	if ((!newer && !shorter) || (row->withdrawn_ms && c->basis != BASIS_CONSENT))
		return false;
	row->granted_ms = event_ms;
	row->basis = c->basis;
	row->expires_ms = c->expires_ms;
	*ret_counts = !row->withdrawn_ms || event_ms > row->withdrawn_ms;
	return true;
}

bool consent_merge(struct consent *row, const struct change *c, int64_t event_ms, bool *ret_counts)
{
	*ret_counts = false;
	row->channel = c->channel;
	row->purpose = c->scope;
	bool grant = c->kind == CHANGE_GRANT;
	bool other = grant ? grant_merge(row, c, event_ms, ret_counts) : withdrawal_merge(row, event_ms, ret_counts);
	if (other && grant)
		copy(row->wording, sizeof row->wording, c->wording);
	if (other && *ret_counts) {
		copy(row->source, sizeof row->source, c->source);
		copy(row->actor, sizeof row->actor, c->actor);
		copy(row->evidence, sizeof row->evidence, c->evidence);
	}
	return other;
}

bool consent_stands(enum basis basis, int64_t granted_ms, int64_t withdrawn_ms, int64_t expires_ms, int64_t now_ms)
{
	if (granted_ms == 0 || (expires_ms && expires_ms <= now_ms))
		return false;
	return withdrawn_ms == 0 || (granted_ms > withdrawn_ms && basis == BASIS_CONSENT);
}

/* ---- removal: what each reason asks of who takes it away ---- */

#define DAY_MS INT64_C(86400000)

static const struct removal {
	bool note, actor;
	bool second; /* somebody else's approval, or a fresh confirmed sign-up */
	bool own;    /* or the recipient's own word */
} removals[] = {
	[REASON_OBJECTION] = {.note = true, .actor = true, .second = true},
	[REASON_UNSUBSCRIBE] = {.note = true, .actor = true, .second = true, .own = true},
	[REASON_COMPLAINT] = {.note = true, .actor = true, .second = true},
	[REASON_BOUNCE] = {.note = true},
	[REASON_MANUAL] = {.note = true},
	[REASON_REGISTER] = {.note = true},
	[REASON_LEGAL] = {.note = true, .actor = true},
	[REASON_ERASURE] = {.note = true, .actor = true},
};

static int allow_check(const struct change *c, struct err *err)
{
	if (c->channel >= CHANNEL_MD5)
		return err_set(err, ERR_REFUSED, "an allow row is an address's or a domain's");
	if (view_trim(c->note).n == 0 || view_trim(c->actor).n == 0)
		return err_set(err, ERR_REFUSED, "an allow row needs a reason in words (a note) and a named actor");
	return 0;
}

int removal_check(const struct change *c, struct err *err)
{
	const struct removal *r = &removals[c->reason];
	if (r->note && view_trim(c->note).n == 0)
		return err_set(err, ERR_REFUSED, "removing a suppression needs a reason in words (a note)");
	if (r->actor && view_trim(c->actor).n == 0)
		return err_set(err, ERR_REFUSED, "removing a suppression of reason %s needs a named actor",
		    reason_word(c->reason));
	return 0;
}

bool removal_asks_two(enum reason r)
{
	return reason_word(r) && removals[r].second;
}

bool removal_needs_consent(const struct change *c)
{
	const struct removal *r = &removals[c->reason];
	return r->second && !(r->own && view_eq(c->actor, V(ACTOR_RECIPIENT)));
}

/* A request is good once: the row that comes after the removed one has a later entry than the request. */
int removal_approved(const struct change *c, const struct suppression *row, const struct journal_entry *request, int64_t now_ms,
    struct err *err)
{
	const unsigned long long n = c->request;
	if (!request || request->kind != CHANGE_REQUEST || memcmp(request->who.b, c->who.b, PERSON_KEY_BYTES) != 0 ||
	    request->reason != c->reason || request->scope.level != c->scope.level ||
	    memcmp(request->scope.id, c->scope.id, SCOPE_ID_BYTES) != 0)
		return err_set(err, ERR_REFUSED, "entry %llu is no request for this removal", n);
	if (view_trim(request->actor).n == 0)
		return err_set(err, ERR_REFUSED, "request %llu no longer says who asked: ask again", n);
	if (view_eq(request->actor, c->actor))
		return err_set(err, ERR_REFUSED, "request %llu was made by %.*s: somebody else must approve it", n, VFMT(c->actor));
	if (row->seq > c->request)
		return err_set(err, ERR_REFUSED, "the suppression has changed since request %llu: ask again", n);
	if (request->arrived_ms > now_ms || now_ms - request->arrived_ms > REMOVAL_REQUEST_DAYS * DAY_MS)
		return err_set(err, ERR_REFUSED, "request %llu is not of the last %d days: ask again", n, REMOVAL_REQUEST_DAYS);
	return 0;
}

bool removal_agreed(const struct suppression *row, const struct consent *consent, int64_t now_ms)
{
	return consent->basis == BASIS_CONSENT && consent->granted_ms > row->event_ms && consent->granted_ms > row->arrived_ms &&
	       consent_stands(consent->basis, consent->granted_ms, consent->withdrawn_ms, consent->expires_ms, now_ms) &&
	       view_eq(view_of(consent->actor), V(ACTOR_RECIPIENT)) && view_starts(view_of(consent->source), V("form:"));
}

/* ---- the form of a change ---- */

static int grant_check(const struct change *c, struct err *err)
{
	const char *missing = evidence_missing(c);
	return missing ? err_set(err, ERR_REFUSED, "%s", missing) : 0;
}

enum { WANTS_WHO = 1, WANTS_REASON = 2, WANTS_BASIS = 4, WANTS_PURPOSE = 8, WANTS_ADDRESS = 16, WANTS_PERSON = 32 };

static const struct form {
	bool known;
	unsigned wants;
	int (*check)(const struct change *c, struct err *err);
} forms[] = {
	[CHANGE_SUPPRESS] = {true, WANTS_WHO | WANTS_REASON, NULL},
	[CHANGE_UNSUPPRESS] = {true, WANTS_WHO | WANTS_REASON, removal_check},
	[CHANGE_GRANT] = {true, WANTS_WHO | WANTS_PERSON | WANTS_BASIS | WANTS_PURPOSE, grant_check},
	[CHANGE_WITHDRAW] = {true, WANTS_WHO | WANTS_PERSON, NULL},
	[CHANGE_PERSON] = {true, WANTS_WHO | WANTS_PERSON | WANTS_ADDRESS, NULL},
	[CHANGE_FORGET] = {true, WANTS_WHO | WANTS_PERSON, NULL},
	[CHANGE_NOTE] = {true, 0, NULL},
	[CHANGE_REQUEST] = {true, WANTS_WHO | WANTS_REASON, removal_check},
	[CHANGE_ALLOW] = {true, WANTS_WHO, allow_check},
	[CHANGE_DISALLOW] = {true, WANTS_WHO, NULL},
	[CHANGE_FAMILY] = {true, WANTS_WHO | WANTS_PERSON | WANTS_ADDRESS, NULL},
	[CHANGE_CAP] = {true, WANTS_WHO | WANTS_PERSON, cap_check},
	[CHANGE_UNCAP] = {true, WANTS_WHO | WANTS_PERSON, cap_check},
	[CHANGE_WORDING] = {true, 0, wording_check},
	[CHANGE_CORPORATE] = {true, WANTS_WHO | WANTS_PERSON, NULL},
	[CHANGE_INDIVIDUAL] = {true, WANTS_WHO | WANTS_PERSON, NULL},
	[CHANGE_LINK] = {true, WANTS_WHO | WANTS_PERSON, link_check},
	[CHANGE_UNLINK] = {true, WANTS_WHO | WANTS_PERSON, link_check},
};

static int strings_check(const struct change *c, struct err *err)
{
	const struct {
		const char *name;
		struct view v;
		size_t most;
	} strings[] = {
		{"text", c->text, WORDING_TEXT_MAX},
		{"wording", c->wording, 64},
		{"source", c->source, SOURCE_MAX},
		{"actor", c->actor, ACTOR_MAX},
		{"note", c->note, NOTE_MAX},
		{"evidence", c->evidence, NOTE_MAX},
		{"address", c->address, 320},
		{"other address", c->other_address, 320},
	};
	for (size_t i = 0; i < COUNT(strings); i++) {
		if (strings[i].v.n > strings[i].most)
			return err_set(err, ERR_LIMIT, "%s: longer than %zu bytes", strings[i].name, strings[i].most);
		if (view_find(strings[i].v, 0, '\0') != strings[i].v.n)
			return err_set(err, ERR_SYNTAX, "%s: holds a NUL", strings[i].name);
	}
	return 0;
}

static int scope_check(const struct scope *s, struct err *err)
{
	static const uint8_t none[SCOPE_ID_BYTES];
	bool has_id = memcmp(s->id, none, sizeof none) != 0;
	if (!scope_word(s->level) || (s->level == SCOPE_GLOBAL) == has_id || (!has_id && s->name[0]))
		return err_set(err, ERR_SYNTAX, "scope: level and id do not belong together");
	return 0;
}

int change_check(const struct change *c, struct err *err)
{
	const struct form *f = (unsigned)c->kind < COUNT(forms) ? &forms[c->kind] : NULL;
	if (!f || !f->known)
		return err_set(err, ERR_SYNTAX, "no such kind of change: %d", (int)c->kind);
	if ((f->wants & WANTS_WHO) && !channel_word(c->channel))
		return err_set(err, ERR_SYNTAX, "%s: no such channel", change_word(c->kind));
	if ((f->wants & WANTS_PERSON) && channel_is_block(c->channel))
		return err_set(err, ERR_REFUSED, "%s: only a person's", change_word(c->kind));
	if ((f->wants & WANTS_REASON) && !reason_word(c->reason))
		return err_set(err, ERR_SYNTAX, "%s: no such reason", change_word(c->kind));
	if ((f->wants & WANTS_BASIS) && !basis_word(c->basis))
		return err_set(err, ERR_SYNTAX, "%s: no such basis", change_word(c->kind));
	if ((f->wants & WANTS_PURPOSE) && c->scope.level == SCOPE_GLOBAL)
		return err_set(err, ERR_REFUSED, "consent needs a purpose: a brand, stream or topic");
	if ((f->wants & WANTS_ADDRESS) && c->address.n == 0)
		return err_set(err, ERR_SYNTAX, "%s: no address", change_word(c->kind));
	if (c->event_ms < 0 || c->expires_ms < 0)
		return err_set(err, ERR_SYNTAX, "%s: a time before 1970", change_word(c->kind));
	if (strings_check(c, err) < 0 || scope_check(&c->scope, err) < 0)
		return -1;
	return f->check ? f->check(c, err) : 0;
}
