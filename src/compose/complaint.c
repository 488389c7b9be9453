/* Where complaints about this copy go (RFC 9477): an address of ours that names it, so that a report without a word of the
 * message is enough. */
#include "internal.h"

bool says_where_to_complain(const struct compose_job *job, struct view from_domain)
{
	const struct stream *s = job->stream;
	if (s->class != CLASS_MARKETING || !s->cfbl || !s->brand->cfbl || !s->brand->bounce_domain)
		return false;
	struct view ours = view_of(s->brand->bounce_domain);
	return signing_domain(job, from_domain) && (domain_within(ours, from_domain) || signing_domain(job, ours));
}

/* The field may come several times, one for each receiver; the identifier only once, and then it is the tool's. */
void add_cfbl(const struct compose_job *job, const struct head *head, struct buf *out)
{
	struct token t;
	char space[TOKEN_ADDRESS_TEXT];
	struct buf token = {.p = space, .cap = sizeof space, .max = sizeof space};
	token_of_job(job, &t);
	token_mint_address(job->settings->tokens, TOKEN_COMPLAINT, &t, &token);
	buf_fmt(out, "CFBL-Address: c+%.*s@%s; report=arf\r\n", VFMT(buf_view(&token)), job->stream->brand->bounce_domain);
	if (!head_find(head, V("CFBL-Feedback-ID")))
		buf_fmt(out, "CFBL-Feedback-ID: c+%.*s\r\n", VFMT(buf_view(&token)));
}
