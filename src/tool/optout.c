/* optout: what somebody has said to a gateway of text messages, or to a person: stop. */
#include "optout/stop.h"
#include "tool.h"

/* "keyword=STOP ref=..." */
static int join_evidence(struct tool *t, const char *keyword, char dst[NOTE_MAX + 1], struct err *err)
{
	size_t n = keyword ? (size_t)snprintf(dst, NOTE_MAX + 1, "keyword=%.40s", keyword) : 0;
	dst[n] = 0;
	for (unsigned i = 0; i < t->args.options[OPT_EVIDENCE].count; i++) {
		n += (size_t)snprintf(dst + n, NOTE_MAX + 1 - n, "%s%s", n ? " " : "", t->args.options[OPT_EVIDENCE].at[i]);
		if (n > NOTE_MAX)
			return err_set(err, ERR_LIMIT, "--evidence: expected at most %d bytes in all", NOTE_MAX);
	}
	return 0;
}

int run_optout(struct tool *t)
{
	struct change c[2] = {{.kind = CHANGE_SUPPRESS, .reason = REASON_UNSUBSCRIBE}};
	struct change_result r[2];
	struct address address;
	struct err err;
	char evidence[NOTE_MAX + 1];
	const char *scope = option(&t->args, OPT_SCOPE), *keyword = option(&t->args, OPT_KEYWORD);
	if (!t->args.operand_count)
		t->args.operands[0] = option(&t->args, OPT_FROM);
	if (!t->args.operands[0])
		return misuse(t, "optout: expected an address or a number");
	if (keyword && !is_stop_word(view_of(keyword))) {
		print_safe(t, "\"%s\" is no word that stops; nothing has changed", keyword);
		return EXIT_SUPPRESS;
	}
	if (read_known_scope(t, scope ? scope : "", &c[0].scope, &err) < 0 || join_evidence(t, keyword, evidence, &err) < 0 ||
	    change_begin(t, &c[0], &address, &err) < 0)
		return failed(t, &err);
	if (!option(&t->args, OPT_SOURCE))
		c[0].source = view_of(channel_word(c[0].channel));
	c[0].evidence = view_of(evidence);
	c[1] = c[0];
	c[1].kind = CHANGE_WITHDRAW;
	c[1].reason = 0;
	if (ledger_change_all(t->ledger, c, 2, r, &err) < 0)
		return failed(t, &err);
	return change_report(t, &c[0], reason_word(REASON_UNSUBSCRIBE), &r[0], "opted out", "had opted out already");
}
