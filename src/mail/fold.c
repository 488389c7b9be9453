#include "mail/fold.h"

static const struct provider {
	struct view domain, first;
	bool dots; /* "a.b" is "ab" */
} providers[] = {
    {V("gmail.com"), V("gmail.com"), true},
    {V("googlemail.com"), V("gmail.com"), true},
    {V("pm.me"), V("proton.me"), true},
    {V("proton.me"), V("proton.me"), true},
    {V("protonmail.com"), V("proton.me"), true},
};

static const struct provider *provider_of(struct view domain)
{
	for (size_t i = 0; i < sizeof providers / sizeof *providers; i++)
		if (view_eq(providers[i].domain, domain))
			return &providers[i];
	return NULL;
}

/* A quoted local part means what it says. */
static struct view without_tag(struct view local)
{
	size_t plus = local.n && local.p[0] != '"' ? view_find(local, 0, '+') : local.n;
	return plus ? view_sub(local, 0, plus) : local;
}

static size_t put_local(char *dst, struct view local, bool dots)
{
	size_t n = 0;
	for (size_t i = 0; i < local.n; i++)
		if (!dots || local.p[i] != '.')
			dst[n++] = local.p[i];
	return n;
}

bool address_fold(struct view canonical, char dst[ADDRESS_MAX + 1])
{
	size_t at = canonical.n;
	while (at && canonical.p[at - 1] != '@')
		at--;
	if (!at || canonical.n > ADDRESS_MAX)
		return false;
	struct view local = view_sub(canonical, 0, at - 1), domain = view_sub(canonical, at, canonical.n);
	const struct provider *p = provider_of(domain);
	if (p)
		domain = p->first;
	size_t n = put_local(dst, without_tag(local), p && p->dots && local.p[0] != '"');
	dst[n++] = '@';
	if (n + domain.n > ADDRESS_MAX)
		return false;
	memcpy(dst + n, domain.p, domain.n);
	dst[n + domain.n] = '\0';
	return !view_eq(view_of(dst), canonical);
}
