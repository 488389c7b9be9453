#include "pending.h"

#include <stdlib.h>

#include "base/mem.h"

#define SECRET_MAX 2048

static void arrive(struct task *t)
{
	struct pending *p = (struct pending *)t; /* its first member */
	p->session->resumed(p->session);
}

struct pending *pending_new(struct session *s, void (*answered)(struct session *s, const struct reply *reply))
{
	ALWAYS(!s->pending);
	struct pending *p = mem_alloc(sizeof *p);
	p->task.run = arrive;
	p->session = s;
	p->answered = answered;
	p->refused.code = 0;
	buf_init(&p->secret, SECRET_MAX);
	p->thread = pthread_self();
	p->in_call = true;
	p->is_answered = false;
	s->pending = p;
	return p;
}

void pending_done(void *arg, const struct reply *reply)
{
	struct pending *p = arg;
	p->reply = *reply;
	if (pthread_equal(p->thread, pthread_self()) && p->in_call)
		p->is_answered = true;
	else
		loop_post(p->session->loop, &p->task);
}

void pending_settle(struct pending *p)
{
	struct session *s = p->session;
	p->in_call = false;
	s->step = SESSION_WAIT;
	if (p->is_answered)
		session_resume(s);
}

void pending_free(struct session *s)
{
	struct pending *p = s->pending;
	if (!p)
		return;
	s->pending = NULL;
	if (p->secret.p)
		mem_wipe(p->secret.p, p->secret.cap);
	buf_free(&p->secret);
	free(p);
}
