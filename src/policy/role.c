/* What an address is by its form alone: a role's, a mistyped one, or one of many forms of a mailbox. */
#include "mail/fold.h"
#include "policy/policy.h"

/* RFC 2142's mailboxes of network operations and of services, and what else is read by whoever is on duty, or by nobody. Its business names
 * (info, sales, marketing, support) are not among them: small firms sign up with those. */
static const struct view roles[] = {
    V("abuse"), V("noc"), V("security"), V("postmaster"), V("hostmaster"), V("usenet"), V("webmaster"), V("www"), V("uucp"), V("ftp"),
    V("root"), V("mailer-daemon"), V("no-reply"), V("noreply"), V("do-not-reply"), V("donotreply"), V("spam"), V("phishing"), V("dmarc"),
    V("tls-reports"), V("list-unsubscribe"),
};
#define ROLES (sizeof roles / sizeof *roles)

static struct view local_of(struct view address)
{
	return view_sub(address, 0, view_find(address, 0, '@'));
}

/* "abuse", and "abuse+ticket". */
static bool is_named(struct view local, struct view role)
{
	return local.p[0] == role.p[0] && view_starts(local, role) && (local.n == role.n || local.p[role.n] == '+');
}

bool brand_is_role(const struct brand *b, struct view address)
{
	struct view local = local_of(address);
	if (!local.n || b->mails_roles)
		return false;
	for (unsigned i = 0; i < b->role_name_count; i++)
		if (is_named(local, view_of(b->role_names[i])))
			return true;
	for (size_t i = 0; !b->role_name_count && i < ROLES; i++)
		if (is_named(local, roles[i]))
			return true;
	return false;
}

/* Slips that are seen often, in names that are typed most. Some are somebody's: mail that goes there is read by strangers. */
static const char *const typos[] = {
    "gamil.com", "gmai.com", "gmail.co", "gmail.con", "gmail.cm", "gmaill.com", "gmal.com", "gmial.com", "gmil.com", "gnail.com", "hotmai.com",
    "hotmail.co", "hotmail.con", "hotmal.com", "hotmial.com", "hotmil.com", "hotnail.com", "icloud.con", "iclod.com", "icoud.com", "outlok.com",
    "outlook.con", "outloook.com", "oulook.com", "yaho.com", "yahoo.con", "yahooo.com", "yhaoo.com", "yaoo.com",
};

bool domain_is_typo(struct view address)
{
	struct view domain = view_sub(address, local_of(address).n + 1, address.n);
	for (size_t i = 0; i < sizeof typos / sizeof *typos; i++)
		if (view_eq(view_of(typos[i]), domain))
			return true;
	return false;
}

static bool names_domain(const struct brand *b, struct view address)
{
	struct view domain = view_sub(address, local_of(address).n + 1, address.n);
	for (unsigned i = 0; i < b->folding_count; i++)
		if (view_eq(view_of(b->folding[i]), domain))
			return true;
	return false;
}

/* "gmail.com" means googlemail.com, too. */
bool brand_folds(const struct brand *b, struct view address)
{
	char plain[ADDRESS_MAX + 1];
	if (!b->folding_count || !address.n)
		return false;
	return names_domain(b, address) || (address_fold(address, plain) && names_domain(b, view_of(plain)));
}
