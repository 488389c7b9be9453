/* Domain names in canonical form. ASCII names never see libidn2: it would let "_" pass, or, told to mind STD3, drop it
 * and make another company's domain of ours. What libidn2 makes of the others passes the same check as they do. */
#include "mail/address.h"

#include <idn2.h>

#define LABEL_MAX 63
/* A name in UTF-8 may take more bytes than its A-labels. */
#define DOMAIN_INPUT_MAX (4 * DOMAIN_MAX)

static int check_label(struct view label, struct err *err)
{
	if (label.n == 0 || label.n > LABEL_MAX)
		return err_set(err, ERR_SYNTAX, "domain: each label must have 1 to %d characters", LABEL_MAX);
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		return err_set(err, ERR_SYNTAX, "domain: a label must not start or end with a hyphen");
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-')
			return err_set(err, ERR_SYNTAX, "domain: expected letters, digits and hyphens only");
	return 0;
}

static bool is_number(struct view label)
{
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_is_digit(label.p[i]))
			return false;
	return true;
}

/* Labels of letters, digits, hyphens (RFC 1123 2.1); the last is no number, or it would be an IP address. */
static int check_ldh(struct view text, struct err *err)
{
	struct view rest = text, label = {0};
	if (text.n == 0 || text.n > DOMAIN_MAX)
		return err_set(err, ERR_SYNTAX, "domain: expected 1 to %d characters", DOMAIN_MAX);
	while (view_cut(&rest, '.', &label))
		if (check_label(label, err) < 0)
			return -1;
	if (text.p[text.n - 1] == '.')
		return err_set(err, ERR_SYNTAX, "domain: must not end with a dot");
	if (is_number(label))
		return err_set(err, ERR_SYNTAX, "domain: an IP address is not a domain");
	return 0;
}

static int lower_ldh(struct view text, char dst[DOMAIN_MAX + 1], struct err *err)
{
	if (check_ldh(text, err) < 0)
		return -1;
	view_str(text, dst, DOMAIN_MAX + 1);
	ascii_lower_in_place(dst, text.n);
	return 0;
}

static int to_a_labels(struct view text, char dst[DOMAIN_MAX + 1], struct err *err)
{
	char utf8[DOMAIN_INPUT_MAX + 1], *a_labels = NULL;
	if (!view_str(text, utf8, sizeof utf8))
		return err_set(err, ERR_SYNTAX, "domain: longer than %d bytes, or with a NUL", DOMAIN_INPUT_MAX);
	int rc = idn2_to_ascii_8z(utf8, &a_labels, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc != IDN2_OK)
		return err_set(err, ERR_SYNTAX, "domain: %s", idn2_strerror(rc));
	rc = lower_ldh(view_of(a_labels), dst, err);
	idn2_free(a_labels);
	return rc;
}

int domain_canonical(struct view text, char dst[DOMAIN_MAX + 1], struct err *err)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] >= 0x80)
			return to_a_labels(text, dst, err);
	return lower_ldh(text, dst, err);
}

bool domain_within(struct view domain, struct view parent)
{
	if (parent.n == 0 || !view_ends(domain, parent))
		return false;
	return domain.n == parent.n || domain.p[domain.n - parent.n - 1] == '.';
}
