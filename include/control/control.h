/* One question, one answer, over a unix socket in the data directory: how the tool speaks with a running daemon.
 * A question is a JSON object {"verb": ..., ...} on one line; the answer is a JSON object on one line, {"error": "..."} when it could not be done. */
#pragma once

#include <jansson.h>

#include "base/err.h"

#define CONTROL_QUESTION_MAX 65536
#define CONTROL_ANSWER_MAX   (64u << 20)
#define CONTROL_TURN_MS      5000  /* for a question to arrive, for an answer to be taken */
#define CONTROL_ANSWER_MS    60000 /* how long control_ask waits */

struct control;
typedef json_t *control_answer(void *arg, const json_t *question); /* a new reference; runs on the control thread */

/* Mode 0600. ERR_CONFLICT: somebody answers there already; a socket left behind by a crash is replaced. */
int control_start(struct control **ret, const char *path, control_answer *answer, void *arg, struct err *err) MUST_CHECK;
void control_stop(struct control **c);
/* ERR_MISSING: nobody listens there (the daemon isn't running). An answer with "error" is ERR_REFUSED with its text. */
int control_ask(const char *path, const json_t *question, json_t **ret_answer, struct err *err) MUST_CHECK;

json_t *control_error(const char *fmt, ...) PRINTF(1, 2);
/* The string of that name; NULL when it is missing or something else. */
const char *control_text(const json_t *question, const char *name);
