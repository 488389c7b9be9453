/* What libesmtp would let pass: it goes on to MAIL after a refused AUTH, and keeps bytes that came in clear behind the
 * STARTTLS reply, to read them as if they had come through TLS.
 *
 * And what it can't be asked not to do: where CHUNKING is offered it uses BDAT, sends all chunks ahead of the
 * replies, and keeps only the last reply (503 where the first was 552). With DATA the bytes wait for 354, and the
 * verdict with them. So the offer is made unreadable, on its last letter, in the buffer that is parsed next.
 *
 * Nor does it notice a reply too many: each one is taken for the answer to whatever is sent next, and a hop that repeats itself would have
 * taken mail that never left. So the replies that are owed are counted: a yes is worth something only as the answer to a message's own end. */
#include "dialogue.h"

static const struct verb_row {
	struct view word;
	enum dialogue_verb verb;
} verbs[] = {
    {V("EHLO"), VERB_EHLO}, {V("HELO"), VERB_EHLO}, {V("STARTTLS"), VERB_STARTTLS}, {V("AUTH"), VERB_AUTH},
    {V("MAIL"), VERB_MAIL}};

void dialogue_start(struct dialogue *d, bool needs_auth, bool needs_tls)
{
	*d = (struct dialogue){.needs_auth = needs_auth, .needs_tls = needs_tls, .owed = 1};
}

static unsigned count_lines(struct view bytes)
{
	unsigned n = 0;
	for (size_t i = 0; i < bytes.n; i++)
		n += bytes.p[i] == '\n';
	return n;
}

void dialogue_ends_data(struct dialogue *d)
{
	d->owed++;
	d->dot_open = true;
}

enum wire_cut dialogue_sends(struct dialogue *d, struct view bytes)
{
	d->owed += count_lines(bytes);
	if (d->last == VERB_AUTH && d->code == 334)
		return WIRE_WHOLE; /* an AUTH exchange goes on */
	d->last = VERB_OTHER;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (view_starts(bytes, verbs[i].word))
			d->last = verbs[i].verb;
	if (d->last == VERB_EHLO) {
		d->hello = false;
		d->offers = 0;
	}
	if (d->last > d->reached)
		d->reached = d->last;
	if (d->last == VERB_AUTH && d->needs_tls && !d->tls)
		return WIRE_NO_TLS;
	if (d->last != VERB_MAIL)
		return WIRE_WHOLE;
	if (d->needs_tls && !d->tls)
		return WIRE_NO_TLS;
	return d->needs_auth && !d->authenticated ? WIRE_NO_AUTH : WIRE_WHOLE;
}

static void note_offer(struct dialogue *d, struct view line)
{
	static const struct {
		struct view word;
		enum dialogue_offer offer;
	} rows[] = {{V("DSN"), OFFER_DSN}, {V("8BITMIME"), OFFER_8BITMIME}, {V("STARTTLS"), OFFER_STARTTLS}};
	struct view rest = view_sub(line, 4, line.n), word;
	if (!view_starts(line, V("250")) || !view_word(&rest, &word))
		return;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (view_ieq(rows[i].word, word))
			d->offers |= rows[i].offer;
}

/* A whole reply has come. A goodbye may come at any time (RFC 5321 3.8). */
static void settle_reply(struct dialogue *d)
{
	if (d->owed == 0) {
		d->astray = d->astray || d->code != 421;
		return;
	}
	if (--d->owed == 0 && d->dot_open) {
		d->dot_open = false;
		d->dots_answered++;
	}
}

/* A whole line has come. True when it ends a reply. */
static bool end_line(struct dialogue *d)
{
	uint64_t code;
	struct view line = view_trim(view_n(d->line, d->line_n));
	d->line_n = 0;
	if (d->last == VERB_EHLO)
		note_offer(d, line);
	if (!view_u64(view_sub(line, 0, 3), 999, &code) || (line.n > 3 && line.p[3] == '-'))
		return false;
	d->code = (int)code;
	settle_reply(d);
	if (code >= 400) {
		d->no_code = (int)code;
		(void)view_str(line, d->no_text, sizeof d->no_text); /* empty if it holds a NUL */
	}
	if (d->last == VERB_AUTH) {
		d->auth_code = d->code;
		d->authenticated = d->code >= 200 && d->code <= 299;
	}
	if (d->last == VERB_EHLO && d->code >= 200 && d->code <= 299)
		d->hello = true;
	return true;
}

static bool offers_chunking(const struct dialogue *d)
{
	return d->last == VERB_EHLO && d->line_n == 12 && view_ieq(view_n(d->line + 4, 8), V("CHUNKING"));
}

enum wire_cut dialogue_receives(struct dialogue *d, char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (d->line_n < sizeof d->line - 1)
			d->line[d->line_n++] = p[i];
		if (offers_chunking(d))
			p[i] = 'X';
		if (p[i] != '\n')
			continue;
		if (end_line(d) && d->last == VERB_STARTTLS && d->code == 220 && i + 1 < n)
			return WIRE_INJECTION;
	}
	return WIRE_WHOLE;
}

enum session_stage dialogue_stage(const struct dialogue *d, bool connected, enum wire_cut cut)
{
	if (!connected)
		return STAGE_CONNECT;
	if (cut == WIRE_NO_AUTH)
		return STAGE_AUTH;
	if (cut == WIRE_NO_TLS || cut == WIRE_INJECTION)
		return STAGE_TLS;
	if (d->reached >= VERB_AUTH)
		return d->reached == VERB_MAIL ? STAGE_MAIL : STAGE_AUTH;
	bool no_tls = !d->tls && (d->reached == VERB_STARTTLS || (d->hello && d->needs_tls));
	return no_tls ? STAGE_TLS : STAGE_HELLO;
}
