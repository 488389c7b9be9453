/* A canonical address is its own canonical form; a list never yields what address_parse would not. */
#include "base/mem.h"
#include "mail/address.h"
#include "mail/fold.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The plain form has no plainer one. */
static void fold(struct view canonical)
{
	char plain[ADDRESS_MAX + 1], again[ADDRESS_MAX + 1];
	if (address_fold(canonical, plain))
		ALWAYS(strlen(plain) <= ADDRESS_MAX && strchr(plain, '@') && !address_fold(view_of(plain), again));
}

static bool check(void *arg, const struct address *a)
{
	struct address again;
	(void)arg;
	ALWAYS(address_parse(view_of(a->text), &again, NULL) == 0);
	ALWAYS(strcmp(again.text, a->text) == 0 && again.local_n == a->local_n);
	ALWAYS(address_parse(view_of(a->exact), &again, NULL) == 0);
	ALWAYS(strcmp(again.text, a->text) == 0 && strcmp(again.exact, a->exact) == 0);
	ALWAYS(a->local_n <= LOCAL_MAX && strlen(a->text) <= ADDRESS_MAX && strlen(a->exact) <= ADDRESS_MAX);
	fold(view_of(a->text));
	for (const char *p = a->text; *p; p++)
		ALWAYS(*p >= ' ' && *p < 0x7f);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size), rest = in;
	struct field f = {.name = V("From"), .value = in};
	struct address a;
	struct err err;
	if (address_parse(in, &a, &err) == 0)
		check(NULL, &a);
	if (address_parse_loose(in, &a, &err) == 0)
		check(NULL, &a);
	if (address_parse_path(&rest, &a, &err) == 0 && a.text[0])
		check(NULL, &a);
	if (field_mailboxes(&f, check, NULL, &err) > 0)
		ALWAYS(field_mailbox(&f, &a, &err) == 0);
	return 0;
}
