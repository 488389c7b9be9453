/* The text form of a sink's rules. */
#include "smtp/sink.h"

#include "base/clock.h"

static const char *const verbs[] = {
    [SINK_LOGIN] = "login", [SINK_MAIL] = "mail", [SINK_RCPT] = "rcpt", [SINK_COMMIT] = "commit"};

static int bad(const char *text, struct err *err)
{
	return err_set(err, ERR_SYNTAX,
	    "rule \"%.100s\": expected VERB[:PATTERN][@N]=ACTION with VERB login, mail, rcpt or commit, and ACTION a "
	    "reply, drop, stall "
	    "or delay TIME",
	    text);
}

static bool parse_what(struct view what, struct sink_rule *r)
{
	size_t at = view_find(what, 0, '@');
	uint64_t first = 0;
	if (at < what.n && !view_u64(view_sub(what, at + 1, what.n), 1000000, &first))
		return false;
	r->first = (unsigned)first;
	what = view_sub(what, 0, at);
	size_t colon = view_find(what, 0, ':');
	if (!view_str(view_sub(what, colon + 1, what.n), r->pattern, sizeof r->pattern))
		return false;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (view_ieq(view_sub(what, 0, colon), view_of(verbs[i]))) {
			r->verb = (enum sink_verb)i;
			return true;
		}
	return false;
}

static bool parse_action(struct view action, struct sink_rule *r)
{
	if (view_istarts(action, V("delay "))) {
		struct view time = view_trim(view_sub(action, 6, action.n));
		return duration_parse(time.p, time.n, &r->delay_ms);
	}
	if (view_ieq(action, V("drop")) || view_ieq(action, V("stall"))) {
		r->reply.code = view_ieq(action, V("drop")) ? REPLY_DROP : REPLY_STALL;
		return true;
	}
	return reply_parse(action, &r->reply) && r->reply.code >= 400;
}

int sink_rule_parse(const char *text, struct sink_rule *ret, struct err *err)
{
	struct sink_rule r = {0};
	struct view v = view_of(text), what = view_sub(v, 0, view_find(v, 0, '='));
	if (what.n == v.n || !parse_what(what, &r) || !parse_action(view_sub(v, what.n + 1, v.n), &r))
		return bad(text, err);
	*ret = r;
	return 0;
}
