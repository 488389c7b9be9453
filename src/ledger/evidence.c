/* What a basis must prove. Evidence is key=value pairs with blanks between. */
#include "ledger/ledger.h"

#include <stddef.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Each part is one of two keys of the evidence, or a field of the grant. PECR 22(3): the address was got in a sale or its negotiation, the
 * mail is about similar products, and the person could refuse when it was collected. Without all three there is no soft opt-in. */
#define FIELD(member)  .field = offsetof(struct change, member), .is_field = true
#define DEMANDED(part) .basis = BASIS_CONSENT, .demand = 1u << (part)
static const struct part {
	enum basis basis;
	unsigned demand; /* 0: the basis always asks for it */
	struct view keys[2];
	size_t field;
	bool is_field;
	const char *missing;
} parts[] = {
	{BASIS_SOFT_OPT_IN, .keys = {V("sale"), V("negotiation")},
	.missing = "a soft opt-in needs the sale or negotiation in its evidence: sale=REFERENCE or negotiation=REFERENCE"},
	{BASIS_SOFT_OPT_IN, .keys = {V("product")},
	.missing = "a soft opt-in needs the family of products in its evidence: product=FAMILY"},
	{BASIS_SOFT_OPT_IN, .keys = {V("refusal")},
	.missing = "a soft opt-in needs the chance to refuse at collection in its evidence: refusal=HOW"},
	{DEMANDED(EVIDENCE_HOW), .keys = {V("how")}, .missing = "the brand asks how consent was given in its evidence: how=WAY"},
	{DEMANDED(EVIDENCE_WORDING), FIELD(wording), .missing = "the brand asks for the wording that was agreed to"},
	{DEMANDED(EVIDENCE_STORED), FIELD(wording), .missing = "the brand asks for the wording that was agreed to"},
	{DEMANDED(EVIDENCE_SOURCE), FIELD(source), .missing = "the brand asks for the source that consent comes from"},
	{DEMANDED(EVIDENCE_IP), .keys = {V("ip")}, .missing = "the brand asks for the address that consent came from in its evidence: ip=ADDRESS"},
	{DEMANDED(EVIDENCE_AGENT), .keys = {V("agent")},
	.missing = "the brand asks for the program that consent was given with in its evidence: agent=NAME"},
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

static bool has_part(const struct part *p, const struct change *c)
{
	if (p->is_field)
		return ((const struct view *)(const void *)((const char *)c + p->field))->n > 0;
	if (p->demand == 1u << EVIDENCE_HOW && view_starts(c->source, V("form:")))
		return true;
	return says(c->evidence, p->keys[0]) || says(c->evidence, p->keys[1]);
}

const char *evidence_missing(const struct change *grant)
{
	for (size_t i = 0; i < COUNT(parts); i++)
		if (parts[i].basis == grant->basis && (!parts[i].demand || grant->demands & parts[i].demand) && !has_part(&parts[i], grant))
			return parts[i].missing;
	return NULL;
}

bool evidence_is_enquiry(struct view evidence)
{
	return says(evidence, V("negotiation")) && !says(evidence, V("sale"));
}
