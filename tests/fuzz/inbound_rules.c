/* A rules file of any bytes, asked about a text: what is refused says where. */
#include "base/mem.h"
#include "inbound/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bounce_rules *rules;
	struct err err;
	struct view all = view_n(data, size), text;
	char words[256];
	if (!view_cut(&all, '\1', &text))
		return 0;
	if (bounce_rules_new(&rules, text, "own", V("soft x y\n"), "shipped", &err) < 0) {
		ALWAYS(view_starts(view_of(err.text), V("own")));
		return 0;
	}
	size_t n = rules_normalise_words(all, words, sizeof words);
	ALWAYS(n <= sizeof words);
	struct view host = V("mx.example.com");
	for (int k = 0; k < RULE_KINDS; k++) {
		struct rule_question q = {(enum rule_kind)k, view_n(words, n), V("5.1.1"), &host, 1};
		struct rule_match m;
		if (bounce_rules_find(rules, &q, &m))
			ALWAYS(m.end <= n);
		bounce_rules_ends(rules, (enum rule_kind)k, q.text);
	}
	bounce_rules_free(&rules);
	return 0;
}
