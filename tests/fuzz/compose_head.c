/* Any message that intake could keep: composed, it has one pair, no control field, a whole body and a signature that holds for a verifier
 * written apart. The first byte picks the class. */
#include "../unit/compose_sample.h"
#include "../unit/compose_verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct verify_field fields[VERIFY_FIELDS];

/* Intake keeps CRLF lines only, and no NUL. */
static void as_kept(struct view raw, struct buf *out)
{
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] == '\n')
			buf_str(out, "\r\n");
		else if (raw.p[i] != '\r' && raw.p[i])
			buf_byte(out, raw.p[i]);
}

static unsigned count(unsigned n, struct view name)
{
	unsigned hits = 0;
	for (unsigned i = 0; i < n; i++)
		hits += view_ieq(fields[i].name, name);
	return hits;
}

static void check(const struct sample *s, const struct compose_job *job, const struct composed *done)
{
	ALWAYS(view_ends(job->message, done->body) && view_ends(done->head, V("\r\n\r\n")));
	unsigned n = verify_split(done->head, fields);
	ALWAYS(n < VERIFY_FIELDS);
	ALWAYS(count(n, V("From")) == 1 && count(n, V("Date")) == 1 && count(n, V("Message-ID")) == 1);
	ALWAYS(count(n, V("Bcc")) == 0 && count(n, V("Return-Path")) == 0 && count(n, V("To")) < 2);
	if (job->stream->class == CLASS_MARKETING)
		ALWAYS(count(n, V("List-Unsubscribe")) == 1 && count(n, V("List-Unsubscribe-Post")) == 1 && count(n, V("List-Id")) == 1);
	for (unsigned i = 0; i < n; i++)
		ALWAYS(!compose_is_control_header(fields[i].name));
	if (done->signed_by_us)
		ALWAYS(verify_dkim(fields, n, &fields[1], done->body, SIGN_ED25519, buf_view(&s->ed25519_public)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sample s;
	static uint64_t id;
	if (!s.composer)
		sample_begin(&s, 2);
	if (size == 0)
		return 0;
	struct buf message;
	buf_init(&message, 2 * size);
	as_kept(view_n(data + 1, size - 1), &message);
	struct compose_job job = sample_job(&s, data[0] & 1 ? &s.marketing : &s.service, buf_view(&message));
	struct composed done;
	job.message_id = ++id;
	if (compose(s.composer, &job, &done, NULL) == 0)
		check(&s, &job, &done);
	buf_free(&message);
	return 0;
}
