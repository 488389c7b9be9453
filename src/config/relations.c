/* What several settings must be to each other, beyond what each row says. */
#include "load.h"

static int check_hops(const struct raw *raw, struct err *err)
{
	const struct raw_hop *h = raw->delivery.next_hops.at;
	for (unsigned i = 0; i < raw->delivery.next_hops.count; i++, h++)
		if (!h->user.s != !h->password_file.s)
			return raw_wrong(err, &h->name.at, "delivery.next_hops[].user",
			    "expected together with delivery.next_hops[].password_file");
	return 0;
}

static bool same_key(const struct raw_dkim *a, const struct raw_dkim *b)
{
	return view_ieq(view_of(a->domain.s), view_of(b->domain.s)) && strcmp(a->selector.s, b->selector.s) == 0;
}

static int check_key(const struct raw *raw, const struct raw_dkim *k, struct err *err)
{
	const struct raw_brand *brands = raw->brands.at;
	for (unsigned i = 0; i < raw->brands.count; i++) {
		const struct raw_dkim *other = brands[i].dkim.at;
		for (unsigned j = 0; j < brands[i].dkim.count; j++, other++)
			if (other != k && same_key(other, k))
				return raw_wrong(err, &k->selector.at, "brands[].dkim[].selector",
				    "expected another selector: %s of %s is in line %u already", k->selector.s,
				    k->domain.s, other->selector.at.line);
			else if (other == k)
				return 0; /* those behind look back at this one */
	}
	return 0;
}

static int check_keys(const struct raw *raw, struct err *err)
{
	const struct raw_brand *brands = raw->brands.at;
	for (unsigned i = 0; i < raw->brands.count; i++) {
		const struct raw_dkim *k = brands[i].dkim.at;
		for (unsigned j = 0; j < brands[i].dkim.count; j++, k++)
			if (check_key(raw, k, err) < 0)
				return -1;
	}
	return 0;
}

/* Certificate and key of a listener: both or neither. NAME: "public.tls_certificate"; KEY: "public.tls_key". */
static int check_pair(const struct raw_text *certificate, const struct raw_text *key, const char *name, const char *key_name, struct err *err)
{
	if (!certificate->s == !key->s)
		return 0;
	return raw_wrong(err, key->s ? &key->at : &certificate->at, name, "expected together with %s", key_name);
}

int check_relations(const struct raw *raw, struct err *err)
{
	const struct raw_submission *s = &raw->submission;
	const struct raw_public *p = &raw->public;
	if (check_pair(&s->tls_certificate, &s->tls_key, "submission.tls_certificate", "submission.tls_key", err) < 0 ||
	    check_pair(&p->tls_certificate, &p->tls_key, "public.tls_certificate", "public.tls_key", err) < 0 ||
	    check_pair(&raw->admin.tls_certificate, &raw->admin.tls_key, "admin.tls_certificate", "admin.tls_key", err) < 0)
		return -1;
	if (s->tls_listen.count && !s->tls_certificate.s)
		return raw_wrong(err, &text_at(&s->tls_listen, 0)->at, "submission.tls_listen",
		    "expected together with submission.tls_certificate");
	if (raw->delivery.retry_max_ms < raw->delivery.retry_first_ms)
		return raw_wrong(err, &((const struct raw_hop *)raw->delivery.next_hops.at)->name.at,
		    "delivery.retry_max", "expected at least delivery.retry_first");
	if (check_admin(raw, err) < 0 || check_doors(raw, err) < 0)
		return -1;
	return check_hops(raw, err) < 0 || check_keys(raw, err) < 0 ? -1 : 0;
}
