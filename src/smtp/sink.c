/* The sink: sessions with one message buffer each, answers from a table of rules. Late answers come from a
 * timer on a loop of the sink's own. */
#include "smtp/sink.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stddef.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/loop.h"

#define RECIPIENTS_MAX 10000
#define ARENA_MAX (8u << 20)
#define RESERVE_MAX (1u << 20)

struct rule {
	struct sink_rule rule;
	_Atomic unsigned used;
};

struct sink {
	struct sink_settings settings;
	struct rule *rules;
	struct loop *loop;
	pthread_t thread;
	bool thread_runs;
};

struct sink_session {
	struct sink *sink;
	char peer[ENDPOINT_TEXT];
	bool logged_in;
	/* the transaction */
	struct arena arena;
	struct buf data;
	struct sink_mail mail;
	struct view *to;
	size_t to_cap;
};

/* An answer on its way. */
struct late {
	struct task task;
	struct timer timer;
	struct loop *loop;
	int64_t delay_ms;
	intake_done *done;
	void *arg;
	struct reply reply;
};

static const struct sink_rule *match(struct sink *k, enum sink_verb verb, struct view text)
{
	for (size_t i = 0; i < k->settings.rule_count; i++) {
		struct rule *r = &k->rules[i];
		struct view pattern = view_of(r->rule.pattern);
		if (r->rule.verb != verb || (pattern.n && view_ifind(text, pattern) == text.n))
			continue;
		if (r->rule.first && atomic_fetch_add(&r->used, 1) >= r->rule.first)
			continue;
		return &r->rule;
	}
	return NULL;
}

static void sleep_ms(int64_t ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	if (ms > 0)
		nanosleep(&t, NULL);
}

/* At verbs that answer at once. True when the rule changed the reply. */
static bool misbehave_now(struct sink *k, enum sink_verb verb, struct view text, struct reply *reply)
{
	const struct sink_rule *r = match(k, verb, text);
	if (!r)
		return false;
	sleep_ms(r->delay_ms);
	if (r->reply.code)
		*reply = r->reply;
	return r->reply.code != 0;
}

/* ---- late answers */

static void late_over(struct timer *t)
{
	struct late *l = (struct late *)(void *)((char *)t - offsetof(struct late, timer));
	l->done(l->arg, &l->reply);
	free(l);
}

static void late_begins(struct task *t)
{
	struct late *l = (struct late *)t; /* its first member */
	timer_arm(l->loop, &l->timer, loop_now(l->loop) + l->delay_ms);
}

static void answer(struct sink *k, const struct sink_rule *r, const struct reply *usual, intake_done *done, void *arg)
{
	const struct reply *reply = r && r->reply.code ? &r->reply : usual;
	if (!r || !r->delay_ms) {
		done(arg, reply);
		return;
	}
	struct late *l = mem_alloc(sizeof *l);
	*l = (struct late){.task.run = late_begins,
	    .timer.expired = late_over,
	    .loop = k->loop,
	    .delay_ms = r->delay_ms,
	    .done = done,
	    .arg = arg,
	    .reply = *reply};
	loop_post(k->loop, &l->task);
}

/* ---- verbs */

static void *sink_open(void *ctx, const struct endpoint *peer)
{
	struct sink_session *s = mem_zero(sizeof *s);
	s->sink = ctx;
	endpoint_text(peer, s->peer);
	arena_init(&s->arena, ARENA_MAX);
	buf_init(&s->data, s->sink->settings.max_message_bytes);
	return s;
}

static void sink_close(void *session)
{
	struct sink_session *s = session;
	arena_free(&s->arena);
	buf_free(&s->data);
	free(s->to);
	free(s);
}

static bool sink_may_login(void *session, bool tls)
{
	struct sink_session *s = session;
	(void)tls;
	return s->sink->settings.user != NULL;
}

static void sink_login(void *session, struct view user, struct view password, intake_done *done, void *arg)
{
	struct sink_session *s = session;
	struct sink *k = s->sink;
	struct reply r;
	s->logged_in = view_eq(user, view_of(k->settings.user)) && view_eq(password, view_of(k->settings.password));
	if (s->logged_in)
		reply_set(&r, 235, "2.7.0", "Welcome");
	else
		reply_set(&r, 535, "5.7.8", "User or password is wrong");
	answer(k, match(k, SINK_LOGIN, user), &r, done, arg);
}

static uint64_t sink_max(void *session)
{
	return ((struct sink_session *)session)->sink->settings.max_message_bytes;
}

static void reset(struct sink_session *s)
{
	arena_reset(&s->arena);
	if (s->data.cap > RESERVE_MAX)
		buf_free(&s->data);
	buf_clear(&s->data);
	s->mail = (struct sink_mail){0};
}

static void sink_begin(void *session, const struct intake_mail *m, void **ret_tx, struct reply *reply)
{
	struct sink_session *s = session;
	if (misbehave_now(s->sink, SINK_MAIL, view_of(m->from->exact), reply))
		return;
	reset(s);
	s->mail = (struct sink_mail){.peer = view_of(s->peer),
	    .helo = arena_view(&s->arena, m->helo),
	    .from = arena_view(&s->arena, view_of(m->from->exact)),
	    .envid = arena_view(&s->arena, m->envid),
	    .ret = m->ret,
	    .protocol = m->protocol};
	if (m->size && m->size <= RESERVE_MAX)
		buf_reserve(&s->data, (size_t)m->size);
	*ret_tx = s;
	reply_set(reply, 250, "2.1.0", "OK");
}

static void sink_rcpt(void *tx, const struct intake_rcpt *r, struct reply *reply)
{
	struct sink_session *s = tx;
	if (misbehave_now(s->sink, SINK_RCPT, view_of(r->to->exact), reply))
		return;
	struct view to =
	    s->mail.to_count < RECIPIENTS_MAX ? arena_view(&s->arena, view_of(r->to->exact)) : (struct view){0};
	if (!to.p) {
		reply_set(reply, 452, "4.5.3", "Too many recipients");
		return;
	}
	if (s->mail.to_count == s->to_cap) {
		s->to_cap = s->to_cap ? s->to_cap * 2 : 8;
		s->to = mem_grow(s->to, s->to_cap * sizeof *s->to);
	}
	s->to[s->mail.to_count++] = to;
	reply_set(reply, 250, "2.1.5", "OK");
}

static struct buf *sink_data(void *tx)
{
	return &((struct sink_session *)tx)->data;
}

static void sink_commit(void *tx, const struct reply *refused, intake_done *done, void *arg)
{
	struct sink_session *s = tx;
	struct sink *k = s->sink;
	struct reply r;
	if (s->data.failed)
		reply_set(&r, 552, "5.3.4", "Message is larger than SIZE allows");
	if (refused || s->data.failed) {
		reset(s);
		done(arg, refused ? refused : &r);
		return;
	}
	const struct sink_rule *rule = match(k, SINK_COMMIT, s->mail.from);
	reply_set(&r, 250, "2.0.0", "OK");
	s->mail.bytes = buf_view(&s->data);
	s->mail.to = s->to;
	if (k->settings.deliver && (!rule || !rule->reply.code))
		k->settings.deliver(k->settings.arg, &s->mail);
	reset(s);
	answer(k, rule, &r, done, arg);
}

static void sink_abort(void *tx)
{
	reset(tx);
}

const struct intake_verbs sink_verbs = {
    .open = sink_open,
    .close = sink_close,
    .may_login = sink_may_login,
    .login = sink_login,
    .max_message_bytes = sink_max,
    .begin = sink_begin,
    .rcpt = sink_rcpt,
    .data = sink_data,
    .commit = sink_commit,
    .abort = sink_abort,
};

/* ---- life */

static void *run(void *arg)
{
	struct sink *k = arg;
	sigset_t all;
	sigfillset(&all); /* signals are for the main thread */
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	loop_run(k->loop);
	return NULL;
}

int sink_new(struct sink **ret, const struct sink_settings *settings, const struct clock *clock, struct err *err)
{
	struct sink *k = mem_zero(sizeof *k);
	k->settings = *settings;
	k->rules = mem_zero(settings->rule_count * sizeof *k->rules);
	for (size_t i = 0; i < settings->rule_count; i++)
		k->rules[i].rule = settings->rules[i];
	k->settings.rules = NULL;
	int rc = loop_new(&k->loop, clock, err);
	if (!rc && pthread_create(&k->thread, NULL, run, k) != 0)
		rc = err_set(err, ERR_SYSTEM, "sink: thread cannot be started");
	k->thread_runs = !rc;
	if (rc)
		sink_free(&k);
	else
		*ret = k;
	return rc;
}

void sink_free(struct sink **kp)
{
	struct sink *k = *kp;
	if (!k)
		return;
	*kp = NULL;
	if (k->thread_runs) {
		loop_stop(k->loop);
		pthread_join(k->thread, NULL);
	}
	loop_free(&k->loop);
	free(k->rules);
	free(k);
}
