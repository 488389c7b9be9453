/* What makes this copy this recipient's: the token's content, and the return path that carries it (VERP). */
#include "internal.h"

#include <stdio.h>

void token_of_job(const struct compose_job *job, struct token *ret)
{
	const struct scope *scope = job->topic ? &job->topic->scope : &job->stream->scope;
	*ret = (struct token){
	    .channel = CHANNEL_EMAIL,
	    .level = job->topic ? SCOPE_TOPIC : SCOPE_STREAM,
	    .who = job->who,
	    .minted_ms = job->now_ms,
	    .message_id = job->message_id,
	};
	memcpy(ret->scope_id, scope->id, SCOPE_ID_BYTES);
	memcpy(ret->stream_id, job->stream->scope.id, SCOPE_ID_BYTES);
	memcpy(ret->brand_id, job->stream->brand->scope.id, SCOPE_ID_BYTES);
	char space[TOKEN_MASK_MAX + 1];
	struct buf masked = {.p = space, .cap = sizeof space, .max = TOKEN_MASK_MAX};
	address_mask(job->rcpt, &masked);
	if (!masked.failed) /* else the page shows none: better than a part of one */
		view_str(buf_view(&masked), ret->masked, sizeof ret->masked);
}

int set_return_path(const struct compose_job *job, char dst[ADDRESS_MAX + 1], struct err *err)
{
	const char *domain = job->stream->brand->bounce_domain;
	struct view theirs = job->envelope->return_path;
	char space[TOKEN_ADDRESS_TEXT];
	struct buf token = {.p = space, .cap = sizeof space, .max = sizeof space};
	struct token t;
	bool fits;
	if (theirs.n == 0 || !domain) {
		fits = view_str(theirs, dst, ADDRESS_MAX + 1);
	} else {
		token_of_job(job, &t);
		token_mint_address(job->settings->tokens, TOKEN_BOUNCE, &t, &token);
		int n = snprintf(dst, ADDRESS_MAX + 1, "b+%.*s@%s", VFMT(buf_view(&token)), domain);
		fits = n > 0 && n <= ADDRESS_MAX;
	}
	return fits ? 0 : err_set(err, ERR_LIMIT, "the return path is longer than %d bytes", ADDRESS_MAX);
}
