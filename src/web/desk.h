/* Questions that take long: one thread answers them in turn, so that no other request waits behind one. */
#pragma once

#include "web_internal.h"

#define DESK_MOST 16 /* questions that wait; more get 503 */

struct desk;
struct errand {
	struct web *web;
	struct web_request *request;
	void (*work)(struct errand *e); /* on the desk's thread; may read the request, and leaves the answer to r->later */
	struct errand *next;            /* the desk's own */
};
/* ERR_SYSTEM when there is no thread for it. */
int desk_open(struct desk **ret, struct err *err) MUST_CHECK;
/* False: it is full. E lives in the request's arena; r->later is set. The connection rests until it is answered. */
bool desk_take(struct desk *d, struct errand *e);
void desk_close(struct desk **d); /* what waits is answered first; accepts NULL */
