/* What the tool may ask a running daemon: one row a verb. */
#include <string.h>

#include "control/queue.h"
#include "gateway_internal.h"

static json_t *answer_queue(struct gateway *g, const json_t *question)
{
	return queue_answer(g->spool, g->holds, question);
}

static json_t *answer_stats(struct gateway *g, const json_t *question)
{
	(void)question;
	return stats_answer(g->ledger, g->spool, true);
}

static const struct {
	const char *verb;
	json_t *(*answer)(struct gateway *g, const json_t *question);
} verbs[] = {
    {"queue", answer_queue},
    {"stats", answer_stats},
};

json_t *gateway_answer(void *arg, const json_t *question)
{
	const char *verb = control_text(question, "verb");
	for (size_t i = 0; verb && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verb, verbs[i].verb) == 0)
			return verbs[i].answer(arg, question);
	return control_error("%s is no verb that the daemon answers", verb ? verb : "(none)");
}
