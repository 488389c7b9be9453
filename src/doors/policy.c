/* The policy service: one request, one answer. A refusal is always the recipient's own (REJECT, DEFER_IF_PERMIT); an action for the
 * whole message, such as DISCARD, is never used, for it would stop the other recipients too. What is malformed gets no answer:
 * the connection is closed, which Postfix takes for a temporary failure. */
#include "base/counter.h"
#include "doors_internal.h"
#include "request.h"

COUNTER(answered_dunno, "optgate_policy_answers_total{action=\"dunno\"}", "Answers of the policy service");
COUNTER(answered_reject, "optgate_policy_answers_total{action=\"reject\"}", "Answers of the policy service");
COUNTER(answered_defer, "optgate_policy_answers_total{action=\"defer\"}", "Answers of the policy service");
COUNTER(malformed, "optgate_policy_malformed_total", "Policy requests that could not be read");

static void *policy_open(struct door_env *env)
{
	return env;
}

static void policy_close(void *session)
{
	(void)session;
}

static void judge(struct door_env *env, const struct policy_request *r, struct reply *reply)
{
	struct address to;
	struct err err;
	uint64_t port = 0;
	view_u64(r->client_port, 65535, &port);
	struct endpoint peer = door_endpoint(r->client_address, (uint16_t)port);
	void *session = env->verbs->open(env->intake, &peer);
	reply->code = 0;
	if (door_identify(env, session, r->user, reply)) {
		if (address_parse(r->recipient, &to, &err) < 0)
			reply_set(reply, 550, "5.1.3", "Recipient: %s", err.text);
		else
			intake_ask(session, &to, reply);
	}
	env->verbs->close(session);
}

static void answer(const struct reply *reply, struct buf *out)
{
	if (reply->code == 0 || reply->code / 100 == 2) {
		counter_add(&answered_dunno, 1);
		buf_str(out, "action=DUNNO\n\n");
		return;
	}
	bool permanent = reply->code / 100 == 5;
	counter_add(permanent ? &answered_reject : &answered_defer, 1);
	buf_fmt(out, "action=%s %s %s\n\n", permanent ? "REJECT" : "DEFER_IF_PERMIT", reply->enhanced, reply->text);
}

static size_t policy_feed(void *opaque, struct view in, struct buf *out, const char **why)
{
	struct door_env *env = opaque;
	struct policy_request r;
	struct reply reply = {.code = 0};
	size_t eaten = 0;
	enum policy_kind kind = policy_take(in, &r, &eaten);
	if (kind == POLICY_GOOD && !view_eq(r.request, V("smtpd_access_policy")))
		kind = POLICY_BAD;
	if (kind == POLICY_BAD) {
		counter_add(&malformed, 1);
		*why = "what came is no policy request";
		return 0;
	}
	if (kind == POLICY_MORE)
		return 0;
	/* Other states know no recipient, or one that was judged at RCPT. */
	if (r.recipient.n)
		judge(env, &r, &reply);
	answer(&reply, out);
	return eaten;
}

const struct door_protocol door_policy = {"policy", policy_open, policy_feed, policy_close};
