/* compose: what is added, what goes, what stays; the return path; never a second pair. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "compose_sample.h"
#include "compose_verify.h"
#include "corpus.h"

#define BODY "Hello\r\n \r\n. dot \t\r\n\r\n\r\n"

/* The head with tokens replaced by TOKEN and the first Received field by RECEIVED. */
static void blind(const struct sample *s, struct view head, struct buf *out)
{
	(void)s;
	struct view rest = head;
	size_t end = view_ifind(rest, V("\r\n\tfor <"));
	end = view_find(rest, end + 4, '\n') + 1;
	rest = view_sub(rest, end, rest.n);
	static const struct {
		struct view before;
		char after;
	} marks[] = {{V("/u/"), '>'}, {V("mailto:u+"), '@'}};
	for (size_t i = 0; i < 2; i++) {
		size_t at = view_ifind(rest, marks[i].before);
		if (at == rest.n)
			break;
		at += marks[i].before.n;
		buf_add(out, view_sub(rest, 0, at));
		buf_str(out, "TOKEN");
		rest = view_sub(rest, view_find(rest, at, marks[i].after), rest.n);
	}
	buf_add(out, rest);
}

#define ADDED_LIST                                                                                                                         \
	"List-Unsubscribe: <https://u.example.com/u/TOKEN>,\r\n <mailto:u+TOKEN@bounce.example.com?subject=unsubscribe>\r\n"               \
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"                                                                            \
	"List-Id: Example Offers <offers.lists.example.com>\r\n"
#define ADDED_FEEDBACK "Feedback-ID: spring-sale:offers:acme\r\n"
#define FDM            "From: a@example.com\r\nDate: now\r\nMessage-ID: <1@x>\r\n"
#define SUPPLIED                                                                                                                           \
	"Date: Tue, 24 Nov 2026 02:06:00 +0000\r\n"                                                                                        \
	"Message-ID: <123456789abcdef0.1a20b4d8740@gate.example.com>\r\n"

static const struct row {
	const char *what;
	bool marketing;
	const char *in, *out;
} rows[] = {
    {"marketing gets the pair", true, FDM "Subject: x\r\n", FDM "Subject: x\r\n" ADDED_LIST ADDED_FEEDBACK "\r\n"},
    {"service gets nothing", false, FDM "Subject: x\r\n", FDM "Subject: x\r\n\r\n"},
    {"service keeps the tool's own", false, FDM "List-Unsubscribe: <http://x>\r\nList-Id: <a.b>\r\n",
	FDM "List-Unsubscribe: <http://x>\r\nList-Id: <a.b>\r\n\r\n"},
    {"marketing replaces the tool's own", true,
	FDM "List-unsubscribe: <http://x>\r\nX-A: 1\r\nLIST-UNSUBSCRIBE-POST: List-Unsubscribe=One-Click\r\nList-ID: <a.b>\r\n"
	    "List-Unsubscribe: <mailto:x>,\r\n <https://y>\r\nList-Help: <https://h>\r\n",
	FDM "X-A: 1\r\nList-Help: <https://h>\r\n" ADDED_LIST ADDED_FEEDBACK "\r\n"},
    {"the tool's Feedback-ID stays", true, FDM "Feedback-ID: a:b\r\n", FDM "Feedback-ID: a:b\r\n" ADDED_LIST "\r\n"},
    {"control fields, Bcc, Return-Path go", false,
	"X-Optgate-Stream: a\r\n" FDM "x-optgate-CAMPAIGN:\r\n b\r\nBCC: c@d\r\nReturn-Path: <a@b>\r\nX-Optgat: stays\r\n",
	FDM "X-Optgat: stays\r\n\r\n"},
    {"order, case, folding and blanks stay", false, "SUBJECT:a\r\n\tb  \r\n" FDM "Received: x\r\nReceived: y\r\nX-A :  1\r\nX-A: 2\r\n",
	"SUBJECT:a\r\n\tb  \r\n" FDM "Received: x\r\nReceived: y\r\nX-A :  1\r\nX-A: 2\r\n\r\n"},
    {"missing Date and Message-ID are supplied", false, "From: a@example.com\r\n", "From: a@example.com\r\n" SUPPLIED "\r\n"},
    {"second copies go", false, FDM "To: a@b\r\nto: c@d\r\nDate: then\r\nSubject: 1\r\nSubject: 2\r\n",
	FDM "To: a@b\r\nSubject: 1\r\nSubject: 2\r\n\r\n"},
    {"a signature over what changed goes", true,
	"DKIM-Signature: v=1; d=x; h=From:Subject:\r\n List-Unsubscribe ; b=aaaa\r\n" FDM "List-Unsubscribe: <http://x>\r\n"
	"DKIM-Signature: v=1; d=y; h=From:Subject; b=bbbb\r\nDKIM-Signature: a=b; h = from : feedback-id; b=\r\n",
	FDM "DKIM-Signature: v=1; d=y; h=From:Subject; b=bbbb\r\n" ADDED_LIST ADDED_FEEDBACK "\r\n"},
    {"a signature over what didn't stays", false, "DKIM-Signature: v=1; h=from:list-unsubscribe:date; b=aaaa\r\n" FDM,
	"DKIM-Signature: v=1; h=from:list-unsubscribe:date; b=aaaa\r\n" FDM "\r\n"},
    {"a signature over a missing Date goes", false, "DKIM-Signature: v=1; h=from:date; b=aaaa\r\nFrom: a@example.com\r\n",
	"From: a@example.com\r\n" SUPPLIED "\r\n"},
};

static void the_head_is_edited_by_the_rules(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 0);
	struct buf message, head;
	buf_init(&message, 10000), buf_init(&head, 10000);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&message), buf_clear(&head);
		buf_fmt(&message, "%s\r\n%s", rows[i].in, BODY);
		struct compose_job job = sample_job(&s, rows[i].marketing ? &s.marketing : &s.service, buf_view(&message));
		struct composed done;
		struct err err = {0};
		if (compose(s.composer, &job, &done, &err))
			fail_msg("%s: %s", rows[i].what, err.text);
		blind(&s, done.head, &head);
		if (!view_eq(buf_view(&head), view_of(rows[i].out)))
			fail_msg("%s:\n%s", rows[i].what, buf_cstr(&head));
		assert_true(view_eq(done.body, V(BODY)));
		assert_ptr_equal(done.body.p, message.p + message.n - done.body.n);
		assert_false(done.signed_by_us);
	}
	buf_free(&message), buf_free(&head);
	sample_end(&s);
}

static void received_says_where_from(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 0);
	struct compose_job job = sample_job(&s, &s.service, V(FDM "\r\n"));
	struct composed done;
	assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
	assert_true(view_starts(done.head, V("Received: from tool.example.com ([192.0.2.7])\r\n"
					     "\tby gate.example.com with ESMTPSA id 123456789abcdef0.3\r\n"
					     "\tfor <jane.Doe@example.org>; Tue, 24 Nov 2026 02:06:00 +0000\r\n")));
	s.envelope.helo = V("a (b)\r\nX: y");
	s.envelope.client_ip = V("2001:db8::1");
	s.envelope.protocol = 9;
	job.id_text = V("0abc");
	assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
	assert_true(view_starts(done.head, V("Received: from unknown ([IPv6:2001:db8::1])\r\n\tby gate.example.com with SMTP id 0abc.3\r\n")));
	sample_end(&s);
}

static void what_cannot_be_composed_is_said(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 0);
	static const struct {
		const char *message;
		enum err_kind kind;
	} bad[] = {{"", ERR_SYNTAX}, {"\r\nbody", ERR_SYNTAX}, {"Subject: x\r\n\r\n", ERR_SYNTAX}, {"From: \r\n\r\n", ERR_SYNTAX},
	    {"From: a@example.com\r\nFrom: b@example.com\r\n\r\n", ERR_SYNTAX}, {"no head at all\r\n", ERR_SYNTAX}};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct compose_job job = sample_job(&s, &s.service, view_of(bad[i].message));
		struct composed done;
		struct err err;
		assert_int_equal(compose(s.composer, &job, &done, &err), -1);
		assert_int_equal(err.kind, bad[i].kind);
	}
	struct buf big;
	buf_init(&big, 2 << 20);
	buf_str(&big, FDM);
	while (big.n < COMPOSE_HEAD_MAX)
		buf_str(&big, "X-Long: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\t01234567890123456789"
			      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
			      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
			      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
			      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
			      "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345\r\n");
	struct compose_job job = sample_job(&s, &s.service, buf_view(&big));
	struct composed done;
	struct err err;
	assert_int_equal(compose(s.composer, &job, &done, &err), -1);
	assert_int_equal(err.kind, ERR_SYNTAX); /* permanent: it stays too large */
	s.brand.public_url = NULL;
	job = sample_job(&s, &s.marketing, V(FDM "\r\n"));
	assert_int_equal(compose(s.composer, &job, &done, &err), -1);
	assert_int_equal(err.kind, ERR_MISSING);
	buf_free(&big);
	sample_end(&s);
}

/* The token in the head and in the return path say the same as the job. */
static void tokens_lead_back(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 0);
	struct compose_job job = sample_job(&s, &s.marketing, V(FDM "\r\n"));
	job.topic = &s.topic;
	struct composed done;
	assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
	assert_true(view_ifind(done.head, V("Feedback-ID: spring-sale:spring:offers:acme\r\n")) < done.head.n);
	struct token t;
	size_t at = view_ifind(done.head, V("/u/")) + 3;
	assert_int_equal(token_open_link(s.settings->tokens, view_sub(done.head, at, view_find(done.head, at, '>')), &t, NULL), 0);
	assert_int_equal(t.level, SCOPE_TOPIC);
	assert_memory_equal(t.scope_id, s.topic.scope.id, SCOPE_ID_BYTES);
	assert_memory_equal(t.stream_id, s.marketing.scope.id, SCOPE_ID_BYTES);
	assert_memory_equal(t.brand_id, s.brand.scope.id, SCOPE_ID_BYTES);
	assert_int_equal(t.message_id, job.message_id);
	assert_int_equal(t.minted_ms, job.now_ms);
	assert_string_equal(t.masked, "j***e@e***.org");
	at = view_ifind(done.head, V("mailto:u+")) + 9;
	assert_int_equal(token_open_address(s.settings->tokens, TOKEN_OPTOUT, view_sub(done.head, at, view_find(done.head, at, '@')), &t, NULL), 0);
	struct view path = view_of(done.return_path);
	assert_true(view_starts(path, V("b+")) && view_ends(path, V("@bounce.example.com")));
	assert_true(view_find(path, 0, '@') <= LOCAL_MAX);
	assert_int_equal(token_open_address(s.settings->tokens, TOKEN_BOUNCE, view_sub(path, 2, view_find(path, 0, '@')), &t, NULL), 0);
	assert_memory_equal(&t.who, &job.who, sizeof t.who);
	assert_int_equal(t.level, SCOPE_TOPIC);
	s.envelope.return_path = V("");
	assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
	assert_string_equal(done.return_path, "");
	sample_end(&s);
}

#define POST_FIELD "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
#define TOOL_LINK  "https://lists.example.com/leave?u=1"

/* The tool's own link travels in ours: only one that takes a POST, at a host that is named, of a message for one person. */
static void the_tools_link_is_sealed(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		uint32_t named;
		const char *sealed;
	} cases[] = {
	    {"List-Unsubscribe: <mailto:a@b.example>,\r\n <" TOOL_LINK ">\r\n" POST_FIELD, 1, TOOL_LINK},
	    {"List-Unsubscribe: <" TOOL_LINK ">\r\n" POST_FIELD, 2, ""},
	    {"List-Unsubscribe: <" TOOL_LINK ">\r\n" POST_FIELD, 0, ""},
	    {"List-Unsubscribe: <" TOOL_LINK ">\r\n", 1, ""},
	    {"List-Unsubscribe: <http://lists.example.com/leave>\r\n" POST_FIELD, 1, ""},
	    {"List-Unsubscribe: <https://elsewhere.example/leave>\r\n" POST_FIELD, 1, ""},
	    {POST_FIELD, 1, ""},
	};
	struct sample s;
	sample_begin(&s, 0);
	s.settings->tool_hosts = mem_zero(sizeof *s.settings->tool_hosts);
	s.settings->tool_hosts[s.settings->tool_host_count++] = sample_text("*.example.com");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char message[1000];
		snprintf(message, sizeof message, FDM "%s\r\n", cases[i].fields);
		s.envelope.named = cases[i].named;
		struct compose_job job = sample_job(&s, &s.marketing, view_of(message));
		struct composed done;
		struct token t;
		assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
		size_t at = view_ifind(done.head, V("/u/")) + 3;
		assert_int_equal(token_open_link(s.settings->tokens, view_sub(done.head, at, view_find(done.head, at, '>')), &t, NULL), 0);
		assert_string_equal(t.tool, cases[i].sealed);
	}
	sample_end(&s);
}

static void titles_become_phrases(void **state)
{
	(void)state;
	struct sample s;
	sample_begin(&s, 0);
	static const struct {
		const char *title, *list_id;
	} titles[] = {
	    {"Offers", "List-Id: Offers <offers.lists.example.com>\r\n"},
	    {"", "List-Id: <offers.lists.example.com>\r\n"},
	    {"A, B. \"C\" \\", "List-Id: \"A, B. \\\"C\\\" \\\\\" <offers.lists.example.com>\r\n"},
	    {"=?x", "List-Id: \"=?x\" <offers.lists.example.com>\r\n"},
	    {"Caf\xc3\xa9", "List-Id: =?utf-8?B?Q2Fmw6k=?= <offers.lists.example.com>\r\n"},
	    {"a\r\nBcc: b", "List-Id: =?utf-8?B?YQ0KQmNjOiBi?= <offers.lists.example.com>\r\n"},
	    {"12345678901234567890123456789012345678901234\xc3\xa9x",
		"List-Id: =?utf-8?B?MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ=?=\r\n =?utf-8?B?w6l4?= "
		"<offers.lists.example.com>\r\n"},
	};
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
		char title[200];
		snprintf(title, sizeof title, "%s", titles[i].title);
		s.marketing.title = title;
		struct compose_job job = sample_job(&s, &s.marketing, V(FDM "\r\n"));
		struct composed done;
		assert_int_equal(compose(s.composer, &job, &done, NULL), 0);
		size_t at = view_ifind(done.head, V("List-Id:"));
		struct view got = view_sub(done.head, at, view_ifind(done.head, V("Feedback-ID:")));
		if (!view_eq(got, view_of(titles[i].list_id)))
			fail_msg("%.*s", VFMT(got));
	}
	sample_end(&s);
}

struct replay {
	struct sample s;
	struct buf message;
	unsigned composed, refused;
};

static const char *const may_go[] = {"Bcc", "Resent-Bcc", "Return-Path", "Original-Recipient", "Resent-Reply-To", "List-Unsubscribe",
    "List-Unsubscribe-Post", "List-Id", "DKIM-Signature", "Date", "Message-ID", "To", "Cc", "Sender", "Reply-To",
    "Disposition-Notification-To"};

static bool is_named(struct view name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (view_ieq(name, view_of(names[i])))
			return true;
	return false;
}

static unsigned count(const struct verify_field *f, unsigned n, struct view name)
{
	unsigned hits = 0;
	for (unsigned i = 0; i < n; i++)
		hits += view_ieq(f[i].name, name);
	return hits;
}

/* Every field of BEFORE is in AFTER, in order and byte for byte, or is one that may go. */
static void assert_fields_survive(const struct verify_field *before, unsigned n, const struct verify_field *after, unsigned m, const char *name)
{
	unsigned j = 0;
	for (unsigned i = 0; i < n; i++) {
		unsigned k = j;
		if (view_istarts(before[i].name, V("List-Unsubscribe"))) /* the tool's may look like ours */
			continue;
		while (k < m && !view_eq(after[k].raw, before[i].raw))
			k++;
		if (k < m)
			j = k + 1;
		else if (!is_named(before[i].name, may_go, sizeof may_go / sizeof *may_go))
			fail_msg("%s: lost %.*s", name, VFMT(before[i].raw));
	}
}

static void replay_one(void *arg, const char *name)
{
	static struct verify_field before[VERIFY_FIELDS], after[VERIFY_FIELDS];
	struct replay *r = arg;
	if (!corpus_read(name, true, &r->message))
		return;
	struct compose_job job = sample_job(&r->s, &r->s.marketing, buf_view(&r->message));
	struct composed done;
	struct err err;
	if (compose(r->s.composer, &job, &done, &err)) {
		assert_int_equal(err.kind, ERR_SYNTAX);
		printf("refused %s: %s\n", name, err.text);
		r->refused++;
		return;
	}
	assert_true(view_ends(buf_view(&r->message), done.body));
	struct view head_before = view_sub(buf_view(&r->message), 0, r->message.n - done.body.n);
	unsigned n = verify_split(head_before, before), m = verify_split(done.head, after);
	assert_fields_survive(before, n, after, m, name);
	static const char *const once[] = {"From", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Id"};
	for (size_t i = 0; i < sizeof once / sizeof *once; i++)
		assert_int_equal(count(after, m, view_of(once[i])), 1);
	r->composed++;
}

static void newsletters_pass_unchanged(void **state)
{
	(void)state;
	static const char *const dirs[] = {"newsletter/james-ham", "newsletter/rspamd", "newsletter/spamassassin-easy-ham-1",
	    "newsletter/spamassassin-hard-ham-1", "newsletter/unspy"};
	if (!corpus_present("newsletter"))
		return;
	struct replay r = {0};
	sample_begin(&r.s, 0);
	buf_init(&r.message, CORPUS_FILE_MAX);
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
		corpus_each(dirs[i], replay_one, &r);
	printf("%u newsletters composed, %u refused\n", r.composed, r.refused);
	assert_true(r.composed > 20 * r.refused);
	buf_free(&r.message);
	sample_end(&r.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_head_is_edited_by_the_rules),
	    cmocka_unit_test(received_says_where_from),
	    cmocka_unit_test(what_cannot_be_composed_is_said),
	    cmocka_unit_test(tokens_lead_back),
	    cmocka_unit_test(the_tools_link_is_sealed),
	    cmocka_unit_test(titles_become_phrases),
	    cmocka_unit_test(newsletters_pass_unchanged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
