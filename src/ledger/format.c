/* Rows of people: suppressions, consents, names. format.h has the layouts. */
#include "format.h"

#include "base/be.h"

/* ---- pieces ---- */

static bool scope_is_sound(enum scope_level level, const uint8_t id[SCOPE_ID_BYTES])
{
	static const uint8_t none[SCOPE_ID_BYTES];
	return level <= SCOPE_TOPIC && (level == SCOPE_GLOBAL) == (memcmp(id, none, SCOPE_ID_BYTES) == 0);
}

static void take_bytes(struct be_reader *r, void *dst, size_t n)
{
	struct view v = be_take(r, n);
	if (v.p)
		memcpy(dst, v.p, n);
}

static void take_scope(struct be_reader *r, enum scope_level *level, uint8_t id[SCOPE_ID_BYTES])
{
	*level = (enum scope_level)be_take_u(r, 1);
	take_bytes(r, id, SCOPE_ID_BYTES);
	if (!r->bad && !scope_is_sound(*level, id))
		r->bad = true;
}

static void take_str(struct be_reader *r, char *dst, size_t size)
{
	struct view v = be_take_view(r, 1);
	if (!r->bad && !view_str(v, dst, size))
		r->bad = true;
}

static void take_version(struct be_reader *r)
{
	if (be_take_u(r, 1) != FORMAT_VERSION)
		r->bad = true;
}

static enum channel take_channel(struct be_reader *r)
{
	enum channel c = (enum channel)be_take_u(r, 1);
	if (!channel_word(c))
		r->bad = true;
	return c;
}

static bool is_whole(const struct be_reader *r)
{
	return !r->bad && r->rest.n == 0;
}

static void add_str(struct buf *out, const char *s)
{
	be_add_view(out, view_of(s), 1);
}

static void put_scope_key(uint8_t *dst, const struct person_key *who, const struct scope *scope)
{
	memcpy(dst, who->b, PERSON_KEY_BYTES);
	dst[PERSON_KEY_BYTES] = (uint8_t)scope->level;
	memcpy(dst + PERSON_KEY_BYTES + 1, scope->id, SCOPE_ID_BYTES);
}

/* ---- suppressions ---- */

void suppression_key(
    uint8_t dst[SUPPRESSION_KEY], const struct person_key *who, const struct scope *scope, enum reason reason)
{
	put_scope_key(dst, who, scope);
	dst[SUPPRESSION_KEY - 1] = (uint8_t)reason;
}

void suppression_encode(struct buf *out, const struct suppression *s)
{
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, s->channel, 1);
	be_add(out, (uint64_t)s->event_ms, 8);
	be_add(out, (uint64_t)s->arrived_ms, 8);
	be_add(out, (uint64_t)s->expires_ms, 8);
	be_add(out, s->seq, 8);
	add_str(out, s->source);
	add_str(out, s->actor);
	add_str(out, s->note);
}

static bool suppression_key_decode(
    struct view key, enum scope_level *level, uint8_t id[SCOPE_ID_BYTES], enum reason *reason)
{
	struct be_reader r = {.rest = key};
	be_take(&r, PERSON_KEY_BYTES);
	take_scope(&r, level, id);
	*reason = (enum reason)be_take_u(&r, 1);
	return is_whole(&r) && reason_word(*reason);
}

/* The start of a value, as far as a verdict needs it. */
static bool row_value_decode(struct view value, struct suppression_row *ret)
{
	struct be_reader r = {.rest = value};
	take_version(&r);
	take_channel(&r);
	ret->event_ms = (int64_t)be_take_u(&r, 8);
	be_take(&r, 8);
	ret->expires_ms = (int64_t)be_take_u(&r, 8);
	ret->seq = be_take_u(&r, 8);
	return !r.bad;
}

bool suppression_row_decode(struct view key, struct view value, struct suppression_row *ret)
{
	return row_value_decode(value, ret) && suppression_key_decode(key, &ret->level, ret->scope_id, &ret->reason);
}

static bool value_decode(struct view value, struct suppression *ret)
{
	struct be_reader r = {.rest = value};
	memset(ret, 0, sizeof *ret);
	take_version(&r);
	ret->channel = take_channel(&r);
	ret->event_ms = (int64_t)be_take_u(&r, 8);
	ret->arrived_ms = (int64_t)be_take_u(&r, 8);
	ret->expires_ms = (int64_t)be_take_u(&r, 8);
	ret->seq = be_take_u(&r, 8);
	take_str(&r, ret->source, sizeof ret->source);
	take_str(&r, ret->actor, sizeof ret->actor);
	take_str(&r, ret->note, sizeof ret->note);
	return is_whole(&r);
}

bool suppression_decode(struct view key, struct view value, struct suppression *ret)
{
	return value_decode(value, ret) && suppression_key_decode(key, &ret->scope.level, ret->scope.id, &ret->reason);
}

/* ---- consents ---- */

void consent_key(uint8_t dst[CONSENT_KEY], const struct person_key *who, const struct scope *scope)
{
	put_scope_key(dst, who, scope);
}

void consent_encode(struct buf *out, const struct consent *c)
{
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, c->channel, 1);
	be_add(out, c->basis, 1);
	be_add(out, (uint64_t)c->granted_ms, 8);
	be_add(out, (uint64_t)c->withdrawn_ms, 8);
	be_add(out, (uint64_t)c->expires_ms, 8);
	be_add(out, c->seq, 8);
	add_str(out, c->wording);
	add_str(out, c->source);
	add_str(out, c->actor);
	add_str(out, c->evidence);
}

static bool consent_key_decode(struct view key, enum scope_level *level, uint8_t id[SCOPE_ID_BYTES])
{
	struct be_reader r = {.rest = key};
	be_take(&r, PERSON_KEY_BYTES);
	take_scope(&r, level, id);
	return is_whole(&r);
}

static enum basis take_basis(struct be_reader *r)
{
	enum basis b = (enum basis)be_take_u(r, 1);
	if (b && !basis_word(b))
		r->bad = true;
	return b;
}

/* Only a soft opt-in's words are looked at: its life may hang on them. */
static bool take_enquiry(struct be_reader *r, enum basis basis)
{
	for (int i = 0; basis == BASIS_SOFT_OPT_IN && i < 3; i++)
		be_take_view(r, 1);
	return basis == BASIS_SOFT_OPT_IN && evidence_is_enquiry(be_take_view(r, 1));
}

bool consent_row_decode(struct view key, struct view value, struct consent_row *ret)
{
	struct be_reader r = {.rest = value};
	take_version(&r);
	take_channel(&r);
	ret->basis = take_basis(&r);
	ret->granted_ms = (int64_t)be_take_u(&r, 8);
	ret->withdrawn_ms = (int64_t)be_take_u(&r, 8);
	ret->expires_ms = (int64_t)be_take_u(&r, 8);
	ret->seq = be_take_u(&r, 8);
	ret->enquiry = take_enquiry(&r, ret->basis);
	return !r.bad && consent_key_decode(key, &ret->level, ret->scope_id);
}

bool consent_decode(struct view key, struct view value, struct consent *ret)
{
	struct be_reader r = {.rest = value};
	memset(ret, 0, sizeof *ret);
	take_version(&r);
	ret->channel = take_channel(&r);
	ret->basis = take_basis(&r);
	ret->granted_ms = (int64_t)be_take_u(&r, 8);
	ret->withdrawn_ms = (int64_t)be_take_u(&r, 8);
	ret->expires_ms = (int64_t)be_take_u(&r, 8);
	ret->seq = be_take_u(&r, 8);
	take_str(&r, ret->wording, sizeof ret->wording);
	take_str(&r, ret->source, sizeof ret->source);
	take_str(&r, ret->actor, sizeof ret->actor);
	take_str(&r, ret->evidence, sizeof ret->evidence);
	return is_whole(&r) && consent_key_decode(key, &ret->purpose.level, ret->purpose.id);
}

/* ---- allow rows: a consent's key, a suppression's value ---- */

bool allow_row_decode(struct view key, struct view value, struct suppression_row *ret)
{
	ret->reason = 0;
	return row_value_decode(value, ret) && consent_key_decode(key, &ret->level, ret->scope_id);
}

bool allow_decode(struct view key, struct view value, struct suppression *ret)
{
	return value_decode(value, ret) && consent_key_decode(key, &ret->scope.level, ret->scope.id);
}

/* ---- names ---- */

void name_encode(struct buf *out, const struct scope *scope)
{
	be_add(out, FORMAT_VERSION, 1);
	be_add(out, scope->level, 1);
	add_str(out, scope->name);
}

bool name_decode(struct view value, struct scope *scope)
{
	struct be_reader r = {.rest = value};
	char name[SCOPE_NAME_MAX + 1] = "";
	take_version(&r);
	uint64_t level = be_take_u(&r, 1);
	take_str(&r, name, sizeof name);
	if (!is_whole(&r) || level != scope->level)
		return false;
	memcpy(scope->name, name, sizeof name);
	return true;
}
