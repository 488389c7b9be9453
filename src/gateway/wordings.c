/* The words of the sign-up forms are kept before the first page shows them. */
#include <ctype.h>

#include "gateway_internal.h"
#include "ledger/wording.h"

/* What is in a version's name beside letters, digits and ._- becomes a hyphen. */
static struct view label(const char *text, char dst[WORDING_LABEL_MAX + 1])
{
	size_t n = 0;
	for (; text && text[n] && n < WORDING_LABEL_MAX; n++)
		dst[n] = isalnum((unsigned char)text[n]) || text[n] == '.' || text[n] == '_' ? text[n] : '-';
	return n ? view_n(dst, n) : V("1");
}

int gateway_keep_wordings(struct gateway *g, const struct web_settings *s, struct err *err)
{
	for (unsigned i = 0; i < s->form_count; i++) {
		char id[WORDING_ID_TEXT], name[WORDING_LABEL_MAX + 1], version[WORDING_LABEL_MAX + 1];
		const struct web_form *f = &s->forms[i];
		struct change_result r;
		const struct wording_new w = {.name = label(f->name, name), .version = label(f->version, version), .language = V("und"),
		    .text = view_of(f->wording), .source = V("settings"), .actor = V("optgated")};
		if (ledger_wording_add(g->ledger, &w, id, &r, err) < 0)
			return err_prefix(err, "forms[].wording_file of %s", f->name);
	}
	return 0;
}
