/* The glossary's words, both ways: row number is the stored value. */
#include "ledger/ledger.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const channels[] = {
	[CHANNEL_EMAIL] = "email",
	[CHANNEL_SMS] = "sms",
	[CHANNEL_PHONE] = "phone",
	[CHANNEL_POST] = "post",
	[CHANNEL_SOCIAL] = "social",
	[CHANNEL_DOMAIN] = "domain",
	[CHANNEL_BELOW] = "below-domain",
	[CHANNEL_MD5] = "md5",
	[CHANNEL_SHA1] = "sha1",
	[CHANNEL_SHA256] = "sha256",
	[CHANNEL_SHA512] = "sha512",
};
static const char *const reasons[] = {
	[REASON_OBJECTION] = "objection",
	[REASON_UNSUBSCRIBE] = "unsubscribe",
	[REASON_COMPLAINT] = "complaint",
	[REASON_BOUNCE] = "bounce",
	[REASON_MANUAL] = "manual",
	[REASON_REGISTER] = "register",
	[REASON_LEGAL] = "legal",
	[REASON_ERASURE] = "erasure",
};
static const char *const bases[] = {
	[BASIS_CONSENT] = "consent",
	[BASIS_SOFT_OPT_IN] = "soft-opt-in",
	[BASIS_LEGITIMATE_INTEREST] = "legitimate-interest",
	[BASIS_CONTRACT] = "contract",
	[BASIS_LEGAL_OBLIGATION] = "legal-obligation",
};
static const char *const levels[] = {
	[SCOPE_GLOBAL] = "global",
	[SCOPE_BRAND] = "brand",
	[SCOPE_STREAM] = "stream",
	[SCOPE_TOPIC] = "topic",
};
static const char *const changes[] = {
	[CHANGE_SUPPRESS] = "suppress",
	[CHANGE_UNSUPPRESS] = "unsuppress",
	[CHANGE_GRANT] = "grant",
	[CHANGE_WITHDRAW] = "withdraw",
	[CHANGE_PERSON] = "person",
	[CHANGE_FORGET] = "forget",
	[CHANGE_NOTE] = "note",
	[CHANGE_LOAD] = "load",
	[CHANGE_REQUEST] = "request",
	[CHANGE_ALLOW] = "allow",
	[CHANGE_DISALLOW] = "disallow",
	[CHANGE_FAMILY] = "family",
	[CHANGE_CAP] = "cap",
	[CHANGE_UNCAP] = "uncap",
	[CHANGE_WORDING] = "wording",
	[CHANGE_CORPORATE] = "corporate",
	[CHANGE_INDIVIDUAL] = "individual",
	[CHANGE_LINK] = "link",
	[CHANGE_UNLINK] = "unlink",
	[CHANGE_IMPORT] = "import",
	[CHANGE_UNDO_REQUEST] = "undo-request",
	[CHANGE_UNDO] = "undo",
};

static const char *word(const char *const *table, size_t count, unsigned value)
{
	return value < count ? table[value] : NULL;
}

static unsigned value_of(const char *const *table, size_t count, struct view w)
{
	for (unsigned i = 1; i < count; i++)
		if (view_eq(view_of(table[i]), w))
			return i;
	return 0;
}

const char *channel_word(enum channel c)
{
	return word(channels, COUNT(channels), c);
}

const char *reason_word(enum reason r)
{
	return word(reasons, COUNT(reasons), r);
}

const char *basis_word(enum basis b)
{
	return word(bases, COUNT(bases), b);
}

const char *scope_word(enum scope_level l)
{
	return word(levels, COUNT(levels), l);
}

const char *change_word(enum change_kind k)
{
	return word(changes, COUNT(changes), k);
}

enum channel channel_of(struct view w)
{
	return (enum channel)value_of(channels, CHANNEL_SOCIAL + 1, w);
}

enum reason reason_of(struct view w)
{
	return (enum reason)value_of(reasons, COUNT(reasons), w);
}

enum basis basis_of(struct view w)
{
	return (enum basis)value_of(bases, COUNT(bases), w);
}
