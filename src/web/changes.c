/* Changes on their way through the ledger, for the pages that make several: the request waits until all are durable, or none is. */
#include "base/log.h"
#include "web_internal.h"

struct submission *submission_new(struct web *w, struct web_request *r)
{
	struct submission *s = arena_zero(&r->arena, sizeof *s);
	ALWAYS(s);
	s->web = w;
	s->request = r;
	return s;
}

struct change *submission_add(struct submission *s)
{
	return s->count < SUBMIT_MAX ? &s->changes[s->count++] : NULL;
}

/* On the server's thread again. */
static void answer(struct web_request *r)
{
	struct submission *s = r->state;
	char safe[200];
	if (!s->failed) {
		/* On disk: now it may be called done. */
		s->answer(s);
		return;
	}
	if (s->err.kind != ERR_REFUSED)
		log_event(LOG_LEVEL_ERROR, "web.change.fail", "path=%.3s why=\"%s\"", r->path.p,
		    log_safe(safe, sizeof safe, s->err.text, strlen(s->err.text)));
	if (s->refuse)
		s->refuse(s);
	else
		answer_busy(r);
}

/* On the committer's thread: keep it short. */
static void committed(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	struct submission *s = arg;
	s->failed = err != NULL || n == 0;
	if (err)
		s->err = *err;
	else if (n)
		s->first = results[0];
	http_resume(s->request);
}

enum web_when submit_changes(struct submission *s)
{
	if (s->count == 0) {
		s->answer(s);
		return WEB_NOW;
	}
	s->request->state = s;
	s->request->later = answer;
	http_wait(s->request);
	ledger_submit(s->web->ledger, s->changes, s->count, committed, s);
	return WEB_LATER;
}
