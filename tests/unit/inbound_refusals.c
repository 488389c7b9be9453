/* Runs inbound_refusals.txt: each refusal as a report would carry it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "inbound/classify.h"

#define TABLE "tests/unit/inbound_refusals.txt"
#define TABLE_BYTES (1u << 20)

static struct bounce_rules *rules;

static struct view said_or_none(struct view word)
{
	return view_eq(word, V("-")) ? V("") : word;
}

/* As Postfix words it, behind what was said. */
static struct view command_words(struct view word)
{
	static const struct {
		struct view word, words;
	} rows[] = {
	    {V("rcpt"), V("(in reply to RCPT TO command)")},
	    {V("data"), V("(in reply to end of DATA command)")},
	    {V("mail"), V("(in reply to MAIL FROM command)")},
	    {V("-"), V("")},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (view_eq(word, rows[i].word))
			return rows[i].words;
	fail_msg("%.*s is no command", VFMT(word));
	return (struct view){0};
}

/* True when the refusal is understood as its line says. */
static bool is_understood(struct view host, struct view line, unsigned number)
{
	struct view rest = line, meaning, status, command;
	struct report_recipient got = {0};
	assert_true(view_word(&rest, &meaning) && view_word(&rest, &status) && view_word(&rest, &command));
	struct refusal r = {
	    DSN_FAILED, said_or_none(status), view_trim(rest), command_words(command), &host, host.n ? 1 : 0};
	refusal_judge(rules, &r, &got);
	if (view_eq(meaning, view_of(meaning_word(got.meaning))))
		return true;
	print_error(TABLE ":%u: %.*s\n    is %s (%.*s) by %s\n", number, VFMT(line), meaning_word(got.meaning),
	    VFMT(got.reason), got.rule);
	return false;
}

static void understands_each(void **state)
{
	struct buf text;
	struct err err = {0};
	struct view rest, line, host = {0};
	unsigned number = 0, cases = 0, wrong = 0;
	(void)state;
	buf_init(&text, TABLE_BYTES);
	if (file_read(TABLE, &text, &err) < 0)
		fail_msg("%s", err.text);
	rest = buf_view(&text);
	while (view_cut(&rest, '\n', &line)) {
		number++;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (view_starts(line, V("host "))) {
			host = said_or_none(view_sub(line, 5, line.n));
			continue;
		}
		cases++;
		wrong += !is_understood(host, line, number);
	}
	assert_true(cases > 100);
	assert_int_equal(wrong, 0);
	buf_free(&text);
}

static int setup(void **state)
{
	struct err err;
	(void)state;
	return bounce_rules_new(&rules, V(""), "own", (struct view){0}, "bounce.rules", &err);
}

static int teardown(void **state)
{
	(void)state;
	bounce_rules_free(&rules);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(understands_each),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
