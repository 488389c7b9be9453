/* tool: the tables of verbs and options, the parser that reads them, help and manual made from them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "../../src/tool/tool.h"
#include "base/file.h"
#include "base/mem.h"

#define WORDS_MAX 16

/* "a 'b c' d" -> argv. */
static int split(char *line, char *argv[WORDS_MAX])
{
	int argc = 0;
	argv[argc++] = (char *)"optgate";
	for (char *p = line; *p;) {
		if (*p == ' ') {
			p++;
			continue;
		}
		char end = *p == '\'' ? '\'' : ' ';
		p += end == '\'';
		argv[argc++] = p;
		while (*p && *p != end)
			p++;
		if (*p)
			*p++ = 0;
	}
	argv[argc] = NULL;
	return argc;
}

static void command_lines_are_read_by_the_tables(void **state)
{
	(void)state;
	static const struct {
		const char *line, *error; /* NULL: fine */
	} rows[] = {
	    {"suppress add ann@example.net", NULL},
	    {"--json -c x.conf suppress add ann@example.net --scope=acme --reason complaint", NULL},
	    {"suppress add --scope '' ann@example.net", NULL},
	    {"suppress add -- -odd@example.net", NULL},
	    {"explain a@b.c --stream acme/x -cfile", NULL},
	    {"consent grant a@b.c --purpose acme --evidence ip=1 --evidence ref=2", NULL},
	    {"journal tail -n 5 -f", NULL},
	    {"key new dkim example.com s1 rsa", NULL},
	    {"stats", NULL},
	    {"help suppress", NULL},
	    {"suppress --help", NULL},
	    {"", "expected a verb"},
	    {"frob", "frob: there is no such verb"},
	    {"suppress", "suppress: expected one of add, remove, approve, show, list, families"},
	    {"suppress ad x", "suppress ad: expected one of add, remove, approve, show, list, families"},
	    {"suppress add", "suppress add: expected WHOM"},
	    {"suppress add a@b.c d@e.f", "suppress add: expected WHOM and no more"},
	    {"stats now", "stats: expected nothing behind it"},
	    {"suppress add a@b.c --stream x", "suppress add: takes no --stream"},
	    {"suppress remove a@b.c", "suppress remove: expected --note TEXT"},
	    {"explain a@b.c --stream", "--stream: expected BRAND/STREAM"},
	    {"explain a@b.c --stream x --stream y", "--stream: given more than 1 time"},
	    {"stats --frob", "--frob: there is no such option"},
	    {"stats -z", "-z: there is no such option"},
	    {"stats --json=yes", "--json: takes no value"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *line = mem_strdup(rows[i].line), *argv[WORDS_MAX];
		struct args args;
		struct err err = {0};
		int rc = args_parse(split(line, argv), argv, &args, &err);
		if ((rc < 0) != (rows[i].error != NULL) || (rc < 0 && strcmp(err.text, rows[i].error) != 0))
			fail_msg("%s: %s", rows[i].line, rc < 0 ? err.text : "accepted");
		free(line);
	}
}

static void values_arrive(void **state)
{
	(void)state;
	char line[] = "consent grant a@b.c --purpose=acme/x --evidence ip=1 --evidence 'ref=2 3' --json";
	char *argv[WORDS_MAX];
	struct args a;
	struct err err;
	assert_int_equal(args_parse(split(line, argv), argv, &a, &err), 0);
	assert_string_equal(a.verb->sub, "grant");
	assert_string_equal(a.operands[0], "a@b.c");
	assert_string_equal(option(&a, OPT_PURPOSE), "acme/x");
	assert_int_equal(a.options[OPT_EVIDENCE].count, 2);
	assert_string_equal(a.options[OPT_EVIDENCE].at[1], "ref=2 3");
	assert_true(has_option(&a, OPT_JSON));
	assert_null(option(&a, OPT_WORDING));
}

static char *written(void (*write)(FILE *out))
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	write(f);
	fclose(f);
	return text;
}

static void the_tables_are_whole(void **state)
{
	(void)state;
	char *all = written(help_all);
	struct buf manual;
	uint64_t used = COMMON_OPTIONS;
	buf_init(&manual, 1 << 20);
	help_manual(&manual);
	for (size_t i = 0; i < verbs_count; i++) {
		const struct verb *v = &verbs[i];
		char name[64];
		snprintf(name, sizeof name, "  %s %s", v->verb, v->sub);
		assert_non_null(strstr(all, name));
		assert_non_null(v->run);
		assert_non_null(v->help);
		assert_true(v->min <= v->max && v->max <= OPERANDS_MAX);
		assert_int_equal(v->needs & ~v->options, 0);
		assert_true((v->max > 0) == (*v->operands != 0));
		for (size_t j = 0; j < i; j++)
			assert_true(strcmp(verbs[j].verb, v->verb) != 0 || strcmp(verbs[j].sub, v->sub) != 0);
		snprintf(name, sizeof name, ".It Ic %s%s%s", v->verb, *v->sub ? " " : "", v->sub);
		assert_non_null(strstr(buf_cstr(&manual), name));
		used |= v->options;
	}
	for (int i = 0; i < OPTION_COUNT; i++) {
		assert_non_null(option_rows[i].name);
		assert_true(used >> i & 1);
		for (int j = 0; j < i; j++) {
			assert_string_not_equal(option_rows[i].name, option_rows[j].name);
			assert_true(!option_rows[i].letter || option_rows[i].letter != option_rows[j].letter);
		}
	}
	buf_free(&manual);
	free(all);
}

static void the_manual_is_the_table(void **state)
{
	(void)state;
	struct buf made, kept;
	struct err err;
	buf_init(&made, 1 << 20);
	buf_init(&kept, 1 << 20);
	help_manual(&made);
	if (file_read("conf/man/optgate.1", &kept, &err) < 0 || !view_eq(buf_view(&made), buf_view(&kept)))
		fail_msg("conf/man/optgate.1 is not what the table says: build/bin/optgate help --manual > conf/man/optgate.1");
	buf_free(&made);
	buf_free(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines_are_read_by_the_tables),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(the_tables_are_whole),
		cmocka_unit_test(the_manual_is_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
