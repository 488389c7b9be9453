/* person corporate | individual | link | unlink | show: what is known of people beside what they have said. */
#include "ledger/person.h"

#include "tool.h"

/* "sms:+44..." names its channel; without one it is the --channel's, else an e-mail address. */
static int read_named(struct tool *t, const char *text, enum channel *ret_channel, struct address *ret, struct person_key *ret_who, struct err *err)
{
	struct view rest = view_of(text), word;
	bool cut = view_cut(&rest, ':', &word) && channel_of(word);
	if (read_channel(&t->args, ret_channel, err) < 0)
		return -1;
	if (cut)
		*ret_channel = channel_of(word);
	if (read_address(t, *ret_channel, cut ? rest.p : text, ret, err) < 0)
		return -1;
	ledger_person_key(t->ledger, *ret_channel, view_of(ret->text), ret_who);
	return 0;
}

static int change_person(struct tool *t, enum change_kind kind, const char *done_word, const char *stood_word)
{
	const char *source = option(&t->args, OPT_SOURCE);
	struct change c = {.kind = kind, .actor = view_of(t->actor), .source = view_of(source ? source : "cli"), .note = view_of(option(&t->args, OPT_NOTE))};
	struct address address, other = {0};
	struct change_result r;
	struct err err;
	bool two = t->args.operand_count == 2;
	if (need_config(t, &err) < 0 || need_ledger(t, true, &err) < 0 || read_when(&t->args, OPT_AT, &c.event_ms, &err) < 0 ||
	    read_named(t, t->args.operands[0], &c.channel, &address, &c.who, &err) < 0 ||
	    (two && read_named(t, t->args.operands[1], &c.other_channel, &other, &c.other, &err) < 0))
		return failed(t, &err);
	c.address = view_of(address.text);
	c.other_address = view_of(other.text);
	if (ledger_change(t->ledger, &c, &r, &err) < 0)
		return failed(t, &err);
	if (as_json(t))
		print_json(t, json_pack("{s:s, s:s, s:s, s:b, s:I}", "address", address.text, "channel", channel_word(c.channel), "change", change_word(kind),
		    "changed", (int)r.changed, "entry", (json_int_t)r.seq));
	else
		print_safe(t, "%s%s%s: %s (journal entry %llu)", address.text, two ? ", " : "", other.text, r.changed ? done_word : stood_word,
		    (unsigned long long)r.seq);
	return EXIT_DONE;
}

int run_person_corporate(struct tool *t)
{
	return change_person(t, CHANGE_CORPORATE, "a corporate subscriber", "nothing changed: the same, or something later, was said");
}

int run_person_individual(struct tool *t)
{
	return change_person(t, CHANGE_INDIVIDUAL, "an individual", "nothing changed: the same, or something later, was said");
}

int run_person_link(struct tool *t)
{
	return change_person(t, CHANGE_LINK, "linked as one person's", "were linked already");
}

int run_person_unlink(struct tool *t)
{
	return change_person(t, CHANGE_UNLINK, "no longer linked; what was said stays said", "were not linked");
}

static json_t *subscriber_json(const struct subscriber *s)
{
	return json_pack("{s:b, s:o, s:o, s:o, s:I}", "corporate", (int)s->corporate, "since", json_time(s->event_ms), "source", json_text(s->source), "actor",
	    json_text(s->actor), "entry", (json_int_t)s->seq);
}

int run_person_show(struct tool *t)
{
	struct subscriber s;
	struct address address;
	struct person_key who;
	enum channel channel;
	struct err err;
	json_t *linked, *one;
	size_t i;
	if (need_config(t, &err) < 0 || need_ledger(t, false, &err) < 0 || read_named(t, t->args.operands[0], &channel, &address, &who, &err) < 0 ||
	    ledger_subscriber(t->ledger, &who, &s, &err) < 0 || linked_json(t->ledger, &who, &linked, &err) < 0)
		return failed(t, &err);
	if (as_json(t)) {
		print_json(t, json_pack("{s:s, s:s, s:o, s:o}", "address", address.text, "channel", channel_word(channel), "subscriber", subscriber_json(&s), "linked",
		    linked));
		return EXIT_DONE;
	}
	print_safe(t, "%s: %s%s%s%s", address.text, s.corporate ? "a corporate subscriber" : s.seq ? "an individual" : "an individual, since nothing else was said",
	    s.seq ? " (" : "", s.actor, s.seq ? ")" : "");
	json_array_foreach(linked, i, one) print_safe(t, "linked: %s %s", control_text(one, "channel"), control_text(one, "address"));
	json_decref(linked);
	return EXIT_DONE;
}
