/* Undo: "I did not mean it", on the page that has just said "done".
 *
 * Only stronger (promise 4) allows two ways back, a fresh provable opt-in by the person and an audited
 * removal with a reason: this is both, in one transaction. Whoever holds the mail may opt out; only who has
 * made this very opt-out on the page may undo it, within UNDO_LIMIT_MS, and only while the suppression that
 * it made still stands: a ticket is worth nothing after the next opt-out. */
#include "optout_page.h"

#define UNDO_MARK "\x01undo" /* no masked address holds a control byte */
#define WORDING   "optgate-undo-1"

void undo_ticket(const struct pending *p, struct buf *out)
{
	struct token t = p->token;
	t.minted_ms = clock_wall(p->web->clock);
	t.message_id = p->result.seq;
	t.tool[0] = 0;
	ALWAYS(view_str(V(UNDO_MARK), t.masked, sizeof t.masked));
	token_mint_link(settings_of(p->request)->tokens, &t, out);
}

bool is_undo_ticket(const struct token *t)
{
	return view_eq(view_of(t->masked), V(UNDO_MARK));
}

static bool ticket_is_good(const struct pending *p, struct token *ret)
{
	struct err err;
	const struct token *mail = &p->token;
	struct view text = form_value(&p->request->form, V("ticket"));
	if (!text.p || token_open_link(settings_of(p->request)->tokens, text, ret, &err) < 0)
		return false;
	int64_t age_ms = p->request->at_ms - ret->minted_ms;
	return is_undo_ticket(ret) && age_ms >= 0 && age_ms <= UNDO_LIMIT_MS &&
	       ret->channel == mail->channel && ret->level == mail->level &&
	       memcmp(ret->who.b, mail->who.b, PERSON_KEY_BYTES) == 0 &&
	       memcmp(ret->scope_id, mail->scope_id, SCOPE_ID_BYTES) == 0;
}

/* The row that the opt-out of entry SEQ made is still there, and is the one that stands. */
static int still_stands(const struct pending *p, const struct scope *scope, uint64_t seq)
{
	struct record record;
	struct err err;
	if (ledger_look(p->web->ledger, &p->token.who, &p->request->arena, &record, &err) < 0)
		return -1;
	for (unsigned i = 0; i < record.suppression_count; i++) {
		const struct suppression *s = &record.suppressions[i];
		if (s->seq == seq && s->reason == REASON_UNSUBSCRIBE && s->scope.level == scope->level &&
		    memcmp(s->scope.id, scope->id, SCOPE_ID_BYTES) == 0)
			return 1;
	}
	return 0;
}

int undo_changes(const struct pending *p, const struct optout_request *wish, struct change *changes)
{
	struct token ticket;
	if (!ticket_is_good(p, &ticket))
		return 0;
	optout_changes(settings_of(p->request)->policy, wish, changes);
	int stands = still_stands(p, &changes[0].scope, ticket.message_id);
	if (stands <= 0)
		return stands;
	changes[1] = changes[0];
	changes[0].kind = CHANGE_UNSUPPRESS;
	changes[0].note = V("undone by the recipient on the page of the opt-out");
	changes[0].row = ticket.message_id; /* another one may have come since the look */
	changes[1].kind = CHANGE_GRANT;
	changes[1].reason = 0;
	changes[1].basis = BASIS_CONSENT;
	changes[1].wording = V(WORDING);
	return 2;
}
