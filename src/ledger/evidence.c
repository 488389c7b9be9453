/* What a basis must prove. Evidence is key=value pairs with blanks between. */
#include "ledger/ledger.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* PECR 22(3): the address was got in a sale or its negotiation, the mail is about similar products, and the person could refuse when it was
 * collected. Without all three there is no soft opt-in. */
static const struct part {
	enum basis basis;
	struct view names[2]; /* one of them */
	const char *missing;
} parts[] = {
	{BASIS_SOFT_OPT_IN, {V("sale"), V("negotiation")},
	"a soft opt-in needs the sale or negotiation in its evidence: sale=REFERENCE or negotiation=REFERENCE"},
	{BASIS_SOFT_OPT_IN, {V("product"), V("")},
	"a soft opt-in needs the family of products in its evidence: product=FAMILY"},
	{BASIS_SOFT_OPT_IN, {V("refusal"), V("")},
	"a soft opt-in needs the chance to refuse at collection in its evidence: refusal=HOW"},
};

struct view evidence_value(struct view evidence, struct view name)
{
	struct view pair, key;
	while (view_word(&evidence, &pair))
		if (view_cut(&pair, '=', &key) && view_eq(key, name))
			return pair;
	return V("");
}

static bool says(struct view evidence, struct view name)
{
	struct view value = name.n ? evidence_value(evidence, name) : name;
	return value.n && !view_ieq(value, V("no")) && !view_ieq(value, V("none"));
}

const char *evidence_missing(enum basis b, struct view evidence)
{
	for (size_t i = 0; i < COUNT(parts); i++)
		if (parts[i].basis == b && !says(evidence, parts[i].names[0]) && !says(evidence, parts[i].names[1]))
			return parts[i].missing;
	return NULL;
}

bool evidence_is_enquiry(struct view evidence)
{
	return says(evidence, V("negotiation")) && !says(evidence, V("sale"));
}
