/* One question, one answer, over a unix socket in the data directory: how the tool speaks with a running daemon.
 * A question is a JSON object {"verb": ..., ...}; the answer is a JSON object, {"error": "..."} when it could not be done. */
#pragma once

#include <jansson.h>

#include "base/err.h"

struct control;
typedef json_t *control_answer(void *arg, const json_t *question); /* a new reference; runs on the control thread */

int control_start(struct control **ret, const char *path, control_answer *answer, void *arg, struct err *err) MUST_CHECK; /* mode 0600 */
void control_stop(struct control **c);
/* ERR_MISSING: nobody listens there (the daemon isn't running). */
int control_ask(const char *path, const json_t *question, json_t **ret_answer, struct err *err) MUST_CHECK;
