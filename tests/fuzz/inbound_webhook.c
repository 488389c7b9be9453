/* A provider's body of any bytes, with any key: "PROVIDER'S DIGIT, key, \1, body". What is believed was signed; every event is of a person with a
 * meaning. */
#include "base/mem.h"
#include "inbound/webhook_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bounce_rules *rules;
	char name[WEBHOOK_CERTIFICATE_NAME];
	struct arena a;
	struct webhook w;
	struct view body = view_n(data, size), key, once;
	struct err err;
	if (!rules)
		ALWAYS(bounce_rules_new(&rules, V(""), "own", V(""), "shipped", &err) == 0);
	if (!size || !view_cut(&body, '\1', &key))
		return 0;
	enum webhook_provider p = (enum webhook_provider)((unsigned char)data[0] % WEBHOOK_PROVIDERS);
	key = key.n ? view_sub(key, 1, key.n) : key;
	arena_init(&a, 1 << 20);
	if (webhook_parse(rules, &a, p, body, &w, &err) == 0)
		for (unsigned i = 0; i < w.count; i++)
			ALWAYS(w.events[i].recipient.address.n && w.events[i].recipient.reason.n);
	const struct webhook_request r = {body, V("1700000000"), key};
	if (webhook_verify(p, key, &r, 1700000000000LL, &a, &once, &err) == 0)
		ALWAYS(webhook_is_signed(p) && once.n);
	if (webhook_certificate(body, name))
		ALWAYS(*name && !strchr(name, '/') && !strstr(name, ".."));
	webhook_subscription(body, &a);
	arena_free(&a);
	return 0;
}
