/* journal tail | verify. */
#include <time.h>

#include "base/codec.h"
#include "base/file.h"
#include "ledger/upkeep.h"
#include "tool.h"

#define TAIL_DEFAULT 20
#define TAIL_MAX 1000000
#define FOLLOW_MS 500
#define ANCHORS_MAX (16u << 20) /* bytes of a file of anchors */

struct tail {
	struct tool *t;
	json_t *rows; /* NULL: printed at once */
	uint64_t left, next;
};

/* One line an entry, columns of fixed width, so that a follower can go on printing. */
static void print_entry(struct tool *t, const json_t *o)
{
	char s[9][64];
	const char *scope = control_text(o, "scope"),
		   *what = control_text(o, "reason") ? control_text(o, "reason") : member(o, "basis", s[0]);
	const char *note = control_text(o, "note");
	print_safe(t, "%6s %-24s %-10s %-12s %-20s %.12s %s %s%s%s%s", member(o, "entry", s[1]),
	    member(o, "arrived", s[2]), member(o, "change", s[3]), what, scope && *scope ? scope : "global",
	    member(o, "person", s[4]), member(o, "source", s[5]), member(o, "actor", s[6]), note && *note ? " \"" : "",
	    note && *note ? note : "", note && *note ? "\"" : "");
}

static bool take_entry(void *arg, const struct journal_entry *e)
{
	struct tail *tail = arg;
	json_t *o = entry_json(e);
	tail->next = e->seq + 1;
	if (tail->rows) {
		json_array_append_new(tail->rows, o);
	} else {
		if (as_json(tail->t)) {
			json_dumpf(o, tail->t->out, JSON_COMPACT);
			fputc('\n', tail->t->out);
		} else {
			print_entry(tail->t, o);
		}
		json_decref(o);
	}
	return --tail->left > 0;
}

static void wait_a_little(void)
{
	nanosleep(&(struct timespec){.tv_nsec = FOLLOW_MS * 1000000l}, NULL);
}

/* Until it is interrupted or nobody reads any more. */
static int follow(struct tail *tail, struct err *err)
{
	while (fflush(tail->t->out) == 0) {
		wait_a_little();
		tail->left = TAIL_MAX;
		if (ledger_journal(tail->t->ledger, tail->next, take_entry, tail, err) < 0)
			return -1;
	}
	return 0;
}

static int read_range(struct tool *t, struct tail *tail, struct err *err)
{
	uint64_t count, from, last = ledger_journal_last(t->ledger);
	if (read_count(&t->args, OPT_COUNT, TAIL_MAX, has_option(&t->args, OPT_FROM) ? TAIL_MAX : TAIL_DEFAULT, &count,
		err) < 0 ||
	    read_count(&t->args, OPT_FROM, INT64_MAX, last >= count ? last - count + 1 : 1, &from, err) < 0)
		return -1;
	tail->next = from;
	tail->left = count;
	return 0;
}

int run_journal_tail(struct tool *t)
{
	struct err err;
	struct tail tail = {.t = t};
	if (need_ledger(t, false, &err) < 0 || read_range(t, &tail, &err) < 0)
		return failed(t, &err);
	bool follows = has_option(&t->args, OPT_FOLLOW);
	tail.rows = as_json(t) && !follows ? json_array() : NULL;
	int rc = tail.left ? ledger_journal(t->ledger, tail.next, take_entry, &tail, &err) : 0;
	if (rc == 0 && follows)
		rc = follow(&tail, &err);
	if (rc == 0 && tail.rows)
		print_json(t, json_incref(tail.rows));
	json_decref(tail.rows);
	return rc < 0 ? failed(t, &err) : EXIT_DONE;
}

/* Each line of the file; what is no anchor is told by its number. */
static int check_anchors(struct tool *t, const char *file, struct err *err)
{
	struct buf text;
	buf_init(&text, ANCHORS_MAX);
	int rc = file_read(file, &text, err);
	struct view rest = buf_view(&text), line;
	for (unsigned n = 1; rc == 0 && view_cut(&rest, '\n', &line); n++) {
		struct journal_anchor a;
		if (view_trim(line).n == 0)
			continue;
		rc = journal_anchor_parse(line, &a) ? ledger_journal_has(t->ledger, &a, err)
						    : err_set(err, ERR_SYNTAX, "%s:%u: expected a line that journal anchor printed", file, n);
	}
	buf_free(&text);
	return rc;
}

int run_journal_anchor(struct tool *t)
{
	struct journal_anchor a;
	struct err err;
	char line[ANCHOR_LINE];
	if (need_ledger(t, false, &err) < 0 || ledger_journal_anchor(t->ledger, &a, &err) < 0)
		return failed(t, &err);
	journal_anchor_text(&a, line);
	if (as_json(t))
		print_json(t, json_pack("{s:I, s:o, s:o, s:s}", "entry", (json_int_t)a.seq, "arrived", json_time(a.arrived_ms), "hash",
				  hex_json(a.hash, sizeof a.hash), "line", line));
	else
		fprintf(t->out, "%s\n", line);
	return EXIT_DONE;
}

/* Nobody named: everybody. */
static int read_whom(struct tool *t, struct person_key *who, const struct person_key **ret, struct err *err)
{
	enum channel channel;
	struct address address;
	const char *text = option(&t->args, OPT_PERSON);
	*ret = NULL;
	if (!text)
		return 0;
	t->args.operands[0] = text;
	*ret = who;
	return read_channel(&t->args, &channel, err) < 0 ? -1 : read_person(t, channel, &address, who, err);
}

int run_journal_prune(struct tool *t)
{
	struct person_key who;
	const struct person_key *whom;
	int64_t before;
	uint64_t count;
	struct err err;
	if (!has_option(&t->args, OPT_OLDER_THAN) && !has_option(&t->args, OPT_PERSON))
		return misuse(t, "journal prune: expected --older-than, --person or both");
	if (read_past(&t->args, OPT_OLDER_THAN, INT64_MAX, &before, &err) < 0 || need_ledger(t, true, &err) < 0 ||
	    read_whom(t, &who, &whom, &err) < 0 ||
	    ledger_journal_prune(t->ledger, before, whom, view_of(t->actor), &count, &err) < 0)
		return failed(t, &err);
	if (as_json(t))
		print_json(t, json_pack("{s:I}", "entries", (json_int_t)count));
	else
		fprintf(t->out, "the words of %llu entries dropped\n", (unsigned long long)count);
	return EXIT_DONE;
}

int run_journal_verify(struct tool *t)
{
	uint64_t count = 0;
	struct err err;
	if (need_ledger(t, false, &err) < 0)
		return failed(t, &err);
	int rc = ledger_journal_verify(t->ledger, &count, &err);
	if (rc == 0 && has_option(&t->args, OPT_ANCHOR))
		rc = check_anchors(t, option(&t->args, OPT_ANCHOR), &err);
	if (as_json(t))
		print_json(t, json_pack("{s:b, s:I, s:s?}", "whole", rc == 0, "good_entries", (json_int_t)count,
				  "error", rc < 0 ? err.text : NULL));
	else if (rc == 0)
		fprintf(t->out, "journal verified: %llu entries, the chain is whole\n", (unsigned long long)count);
	if (rc < 0)
		return failed(t, &err);
	return EXIT_DONE;
}
