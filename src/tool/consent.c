/* consent grant | withdraw: what somebody agreed to. */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static int read_basis(struct tool *t, struct change *c, struct err *err)
{
	const char *word = option(&t->args, OPT_BASIS);
	c->basis = basis_of(view_of(word ? word : "consent"));
	return c->basis ? 0 : err_set(err, ERR_SYNTAX, "--basis: expected %s", option_rows[OPT_BASIS].help);
}

/* All --evidence as one text, blanks between. */
static int read_evidence(struct tool *t, char dst[NOTE_MAX + 1], struct err *err)
{
	size_t n = 0;
	dst[0] = 0;
	for (unsigned i = 0; i < t->args.options[OPT_EVIDENCE].count; i++) {
		const char *pair = t->args.options[OPT_EVIDENCE].at[i];
		if (!strchr(pair, '='))
			return err_set(err, ERR_SYNTAX, "--evidence: expected KEY=VALUE, found \"%s\"", pair);
		n += (size_t)snprintf(dst + n, NOTE_MAX + 1 - n, "%s%s", i ? " " : "", pair);
		if (n > NOTE_MAX)
			return err_set(err, ERR_LIMIT, "--evidence: expected at most %d bytes in all", NOTE_MAX);
	}
	return 0;
}

static int run(struct tool *t, enum change_kind kind, const char *done_word, const char *stood_word)
{
	struct change c = {.kind = kind};
	struct change_result r;
	struct address address;
	struct err err;
	char evidence[NOTE_MAX + 1];
	if (read_evidence(t, evidence, &err) < 0 || (kind == CHANGE_GRANT && read_basis(t, &c, &err) < 0) ||
	    read_known_scope(t, option(&t->args, OPT_PURPOSE), &c.scope, &err) < 0 ||
	    change_begin(t, &c, &address, &err) < 0)
		return failed(t, &err);
	c.wording = view_of(option(&t->args, OPT_WORDING));
	c.evidence = view_of(evidence);
	c.demands = policy_demands(t->config->policy, &c.scope);
	if (ledger_change(t->ledger, &c, &r, &err) < 0)
		return failed(t, &err);
	return change_report(t, &c, c.basis ? basis_word(c.basis) : "consent", &r, done_word, stood_word);
}

int run_consent_grant(struct tool *t)
{
	return run(t, CHANGE_GRANT, "granted", "on record, but it changed nothing (as old as what stands, or older)");
}

int run_consent_withdraw(struct tool *t)
{
	return run(t, CHANGE_WITHDRAW, "withdrawn", "was withdrawn already");
}
