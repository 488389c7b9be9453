/* lists: CSV in every cut, dates, and each vendor's format told by its shape and mapped. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "lists/reader.h"

struct pieces {
	struct view text;
	size_t at, cut, step;
};

/* Up to the cut first; then STEP bytes at a time (0 = all). */
static ssize_t read_pieces(void *arg, void *dst, size_t n, struct err *err)
{
	struct pieces *p = arg;
	(void)err;
	size_t most = p->at < p->cut ? p->cut - p->at : p->step ? p->step : p->text.n - p->at;
	if (most > n)
		most = n;
	if (most > p->text.n - p->at)
		most = p->text.n - p->at;
	memcpy(dst, p->text.p + p->at, most);
	p->at += most;
	return (ssize_t)most;
}

/* "line:field|field;" of every record. */
static void render(struct view text, size_t cut, size_t step, struct buf *out)
{
	struct pieces p = {text, 0, cut, step};
	struct csv *c = csv_new(',', read_pieces, &p);
	struct csv_record r;
	struct err err;
	while (csv_next(c, &r, &err) == 1) {
		buf_fmt(out, "%u:", (unsigned)r.line);
		if (r.bad)
			buf_fmt(out, "!%s", r.bad);
		for (unsigned i = 0; i < r.count; i++) {
			buf_str(out, i ? "|" : "");
			buf_add(out, r.fields[i]);
		}
		buf_byte(out, ';');
	}
	csv_free(&c);
}

static const struct {
	struct view text;
	const char *expected;
} samples[] = {
	{V("a,b\r\nc,d\r\n"), "1:a|b;2:c|d;"},
	{V("a,b\nc,d"), "1:a|b;2:c|d;"},
	{V("\xef\xbb\xbf" "a,b\n"), "1:a|b;"},
	{V("\"a,1\",\"b\"\"q\"\"\",c\n"), "1:a,1|b\"q\"|c;"},
	{V("\"two\r\nlines\",x\nnext,y\n"), "1:two\r\nlines|x;3:next|y;"},
	{V("\n\n a ,,\n"), "3: a ||;"},
	{V("x\"y,z\n"), "1:x\"y|z;"},
	{V("\"a\"b,c\nd\n"), "1:!a separator behind a closing quote;2:d;"},
	{V("\"open\nto the end"), "1:!a closing quote;"},
	{V("a\0b,c\nd\n"), "1:!no NUL;2:d;"},
	{V(""), ""},
};

static void csv_is_the_same_in_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
		for (size_t cut = 0; cut <= samples[i].text.n; cut++)
			for (size_t step = 0; step < 3; step++) {
				struct buf out;
				if (cut == 0 && step)
					continue;
				buf_init(&out, 10000);
				render(samples[i].text, cut, step, &out);
				if (strcmp(buf_cstr(&out), samples[i].expected) != 0)
					fail_msg("sample %zu cut %zu: %s", i, cut, buf_cstr(&out));
				buf_free(&out);
			}
}

static void a_line_without_end_is_bounded(void **state)
{
	(void)state;
	size_t n = 5u << 20;
	char *text = mem_alloc(n + 10);
	memset(text, 'x', n);
	memcpy(text + n, "\nnext,1\n", 8);
	struct buf out;
	buf_init(&out, 10000);
	render(view_n(text, n + 8), 0, 65536, &out);
	assert_string_equal(buf_cstr(&out), "1:!a record of at most 1 MiB;2:next|1;");
	buf_free(&out);
	free(text);
}

static void cells_are_no_formulas(void **state)
{
	(void)state;
	static const struct {
		struct view cell;
		const char *written;
	} rows[] = {{V("plain"), "plain"}, {V("=1+1"), "\"'=1+1\""}, {V("@x"), "\"'@x\""}, {V("-1"), "\"'-1\""}, {V("a,b"), "\"a,b\""}, {V("q\"q"), "\"q\"\"q\""},
	    {V("'quoted"), "\"''quoted\""}, {V(""), ""}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b;
		struct csv_record r;
		struct err err;
		buf_init(&b, 100);
		csv_write(&b, rows[i].cell);
		assert_string_equal(buf_cstr(&b), rows[i].written);
		if (rows[i].cell.n) {
			struct pieces p = {buf_view(&b), 0, 0, 0};
			struct csv *c = csv_new(',', read_pieces, &p);
			assert_int_equal(csv_next(c, &r, &err), 1);
			assert_true(view_eq(csv_plain(r.fields[0]), rows[i].cell));
			csv_free(&c);
		}
		buf_free(&b);
	}
}

static void dates_of_every_vendor_are_read(void **state)
{
	(void)state;
	static const struct {
		struct view text;
		int64_t ms;
	} rows[] = {{V("1790083507"), 1790083507000}, {V("1790083507123"), 1790083507123}, {V("2019-12-17T08:58:33-05:00"), 1576591113000},
	    {V("2016-03-16 14:40:47"), 1458139247000}, {V("2016-03-16 14:40:47 UTC"), 1458139247000}, {V("2016-03-16"), 1458086400000},
	    {V("Tue, 07 Jan 2025 19:25:45 UTC"), 1736277945000}, {V("soon"), 0}, {V(""), 0}, {V("5"), 0}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (list_date(rows[i].text) != rows[i].ms)
			fail_msg("%.*s: %lld", VFMT(rows[i].text), (long long)list_date(rows[i].text));
}

/* File name, content, the format it must be taken for, and what its rows say: "S reason address", "G address", "- why", "! expected". */
static const struct {
	const char *name, *text, *format, *says;
} files[] = {
	{"a.csv", "a@x.test,BOUNCE\nb@x.test, COMPLAINT\n", "ses-csv", "S bounce a@x.test;S complaint b@x.test;"},
	{"a.json", "{\"emailAddress\":\"a@x.test\",\"reason\":\"BOUNCE\"}\n{\"emailAddress\":\"b@x.test\",\"reason\":\"COMPLAINT\"}\n", "ses", "S bounce a@x.test;S complaint b@x.test;"},
	{"a.json", "{\"SuppressedDestinationSummaries\":[{\"EmailAddress\":\"a@x.test\",\"Reason\":\"COMPLAINT\",\"LastUpdateTime\":\"2020-04-10T21:03:05Z\"}]}", "ses", "S complaint a@x.test;"},
	{"c.csv", "emailAddress,unsubscribeAll,topicPreferences.Weekly\na@x.test,true,OPT_IN\nb@x.test,false,OPT_OUT\nc@x.test,false,OPT_IN\n", "ses-contacts",
	    "S unsubscribe a@x.test;S unsubscribe b@x.test Weekly;- no topic is opted out of, and no consent follows from an OPT_IN without time and proof;"},
	{"bounces.csv", "status,reason,email,created\n5.1.1,\"no, sorry\",a@x.test,1790083507\n5.7.1,policy,b@x.test,1\n", "sendgrid-bounces",
	    "S bounce a@x.test;- a block, not a bounce: the person was not at fault;"},
	{"blocks.csv", "status,reason,email,created\n5.1.1,x,a@x.test,1790083507\n", "sendgrid-blocks", "- a block, not a bounce: the person was not at fault;"},
	{"i.csv", "reason,email,created\nbad,a@x.test,1\n", "sendgrid-invalid", "S bounce a@x.test;"},
	{"s.csv", "ip,email,created\n1.1.1.1,a@x.test,1\n", "sendgrid-spam", "S complaint a@x.test;"},
	{"u.csv", "email,created\na@x.test,1\n", "sendgrid-unsubscribes", "S unsubscribe a@x.test;"},
	{"m.csv", "address,code,error,created_at\na@x.test,550,gone,\"Tue, 07 Jan 2025 19:25:45 UTC\"\n", "mailgun-bounces", "S bounce a@x.test;"},
	{"m.csv", "address,tag,created_at\na@x.test,*,x\nb@x.test,spring,x\n", "mailgun-unsubscribes", "S unsubscribe a@x.test;S unsubscribe b@x.test spring;"},
	{"m.csv", "address,created_at\na@x.test,x\n", "mailgun-complaints", "S complaint a@x.test;"},
	{"p.json", "{\"Suppressions\":[{\"EmailAddress\":\"a@x.test\",\"SuppressionReason\":\"ManualSuppression\",\"Origin\":\"Recipient\",\"CreatedAt\":\"2019-12-17T08:58:33-05:00\"},"
	    "{\"EmailAddress\":\"b@x.test\",\"SuppressionReason\":\"ManualSuppression\",\"Origin\":\"Admin\"},{\"EmailAddress\":\"c@x.test\",\"SuppressionReason\":\"Novel\"}]}",
	    "postmark", "S unsubscribe a@x.test;S manual b@x.test;! a known status;"},
	{"s.json", "{\"results\":[{\"recipient\":\"a@x.test\",\"source\":\"Spam Complaint\"},{\"recipient\":\"b@x.test\",\"source\":\"Unsubscribe Link\"}]}", "sparkpost",
	    "S complaint a@x.test;S unsubscribe b@x.test;"},
	{"s.csv", "recipient,transactional,non_transactional,description,subaccount_id\na@x.test,false,true,List Unsubscribe,0\nb@x.test,false,false,x,0\n", "sparkpost-csv",
	    "S unsubscribe a@x.test;- neither kind of mail is suppressed;"},
	{"unsubscribed.csv", "Email Address,First Name,OPTIN_TIME,UNSUB_TIME,UNSUB_REASON,LEID\na@x.test,A,,2016-03-16 14:40:47,NORMAL,1\n", "mailchimp-unsubscribed", "S unsubscribe a@x.test;"},
	{"cleaned.csv", "\"Email Address\",OPTIN_TIME,CLEAN_TIME,LEID\na@x.test,,2016-03-16 14:40:47,1\n", "mailchimp-cleaned", "S bounce a@x.test;"},
	{"subscribed.csv", "Email Address,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LEID\na@x.test,2016-03-16 14:40:47,1.2.3.4,,,1\nb@x.test,,,,,2\nc@x.test,2016-03-16 14:40:47,,,,3\n", "mailchimp-subscribed",
	    "G a@x.test;! OPTIN_TIME or CONFIRM_TIME: consent without a time is none;! OPTIN_IP or CONFIRM_IP: somebody else's list was put in, and nobody's consent;"},
	{"l.csv", "uuid,email,name,attributes,status,created_at,updated_at\n1,a@x.test,A,{},blocklisted,x,y\n2,b@x.test,B,{},enabled,x,y\n", "listmonk",
	    "S unsubscribe a@x.test;- enabled: nothing to suppress;"},
	{"d.csv", "email,reason,channel,date_added,comments\na@x.test,1,email,2020-01-01,x\nb@x.test,2,email,2020-01-01,x\nc@x.test,1,sms,2020-01-01,x\n", "mautic",
	    "S unsubscribe a@x.test;S bounce b@x.test;- another channel;"},
	{"k.csv", "Email,First name,Status\na@x.test,A,unsubscribed\nb@x.test,B,unreachable\nc@x.test,C,active\n", "status", "S unsubscribe a@x.test;S bounce b@x.test;- not opted out;"},
	{"p.csv", "type,address,reason,timestamp,keep_until\nrecipient,a@x.test,hard fail,1790083507,1795083507\n", "postal", "S bounce a@x.test;"},
	{"h.json", "[{\"id\":1,\"email\":\"a@x.test\",\"reason\":\"complaint\",\"description\":\"\",\"created_at\":1}]", "hyvor", "S complaint a@x.test;"},
	{"k.csv", "Email Address\na@x.test\n", "klaviyo", "S manual a@x.test;"},
	{"c.csv", "a@x.test,2030-01-01T00:00:00Z\n", "cloudflare", "S manual a@x.test;"},
	{"z.json", "{\"suppressionlist\":[{\"id\":\"1\",\"address\":\"a@x.test\",\"created\":\"2016-03-16\"},{\"id\":\"2\",\"domain\":\"b.test\",\"created\":\"2016-03-16\"}]}", "zonemta",
	    "S manual a@x.test;S manual domain b.test;"},
	{"w.csv", "address,domain\na@x.test,\n,b.test\n", "mailgun-whitelist", "A a@x.test;A domain b.test;"},
	{"w.json", "[{\"value\":\"a@x.test\",\"type\":\"address\",\"reason\":\"vip\"},{\"value\":\"b.test\",\"type\":\"domain\"}]", "mailgun-whitelist-json", "A a@x.test;A domain b.test;"},
	{"d.txt", "b.test\n*.b.test\n@c.test\na@x.test\n", "domains", "S manual domain b.test;S manual *.b.test;S manual @c.test;S manual a@x.test;"},
	{"d.csv", "domain,note\nb.test,x\n", "domains-column", "S manual domain b.test;"},
	{"h.txt", "d41d8cd98f00b204e9800998ecf8427e\nDA39A3EE5E6B4B0D3255BFEF95601890AFD80709\na@x.test\n", "digests",
	    "S manual d41d8cd98f00b204e9800998ecf8427e;S manual DA39A3EE5E6B4B0D3255BFEF95601890AFD80709;! a digest: 32, 40, 64 or 128 hex digits;"},
	{"h.csv", "md5\nd41d8cd98f00b204e9800998ecf8427e\n", "digests-column", "S manual d41d8cd98f00b204e9800998ecf8427e;"},
	{"a.csv", "address,channel,scope,allowed,expires,source,actor,note\na@x.test,email,acme,2020-01-01,,x,y,seed\n", "optgate-allow", "A a@x.test;"},
	{"sf.csv", "Email Address,Subscriber Key,Unsubscribe Date\na@x.test,1,2020-01-01\n", "salesforce", "S unsubscribe a@x.test;"},
	{"plain.txt", "a@x.test\nB@x.test\n", "plain", "S manual a@x.test;S manual B@x.test;"},
	{"o.csv", "address,channel,scope,reason,event,expires,source,actor,note\na@x.test,email,acme,complaint,2020-01-01,,x,y,z\nb@x.test,email,,nonsense,2020-01-01,,,,\n"
	    "\"'@b.test\",domain,acme,manual,2020-01-01,,x,y,z\nc@x.test,domain,acme,manual,2020-01-01,,x,y,z\n", "optgate",
	    "S complaint a@x.test;! reason: objection, unsubscribe, complaint, bounce, manual, register, legal or erasure;S manual @b.test;! channel: email, sms, phone, post or social;"},
	{"c.csv", "address,purpose,basis,granted,wording,evidence\na@x.test,acme/news,consent,2020-01-01,w1,ip=1.2.3.4\nb@x.test,acme/news,consent,2020-01-01,,x\nc@x.test,acme/news,consent,,w,x\n",
	    "consent", "G a@x.test;! wording: which words were agreed to;! granted: when it was given;"},
	{"m.csv", "emailAddress,unsubscribeAll,topicPreferences.A,attributesData,topicPreferences.B,topicPreferences.C\na@x.test,false,OPT_OUT,{},OPT_IN,OPT_OUT\n", "ses-contacts",
	    "S unsubscribe a@x.test A;S unsubscribe a@x.test C;"},
	{"c.csv", "address,channel,purpose,basis,granted,withdrawn,expires,wording,how,ip,agent\na@x.test,email,acme/news,consent,2020-01-01,,,w1,form,1.2.3.4,Firefox\n"
	    "b@x.test,email,acme/news,consent,2020-01-01,2020-01-01,,w1,form,,\nc@x.test,email,acme/news,consent,2020-01-02,2020-01-01,,w1,form,,\n"
	    "d@x.test,email,acme/news,contract,2020-01-02,2020-01-01,,,,,\ne@x.test,email,acme,,,2020-01-01,,,,,\nf@x.test,fax,acme,consent,2020-01-01,,,w,x,,\n"
	    "g@x.test,email,acme,consent,2020-01-01,,,w,,,\nh@x.test,email,acme,gut,2020-01-01,,,w,,,\ni@x.test,email,acme,contract,2020-01-01,,,,,,\n", "consent",
	    "G a@x.test;W b@x.test;G c@x.test;W d@x.test;W e@x.test;! channel: email, sms, phone, post or social;! evidence, ip or how: how it can be proved;"
	    "! basis: consent, soft-opt-in, legitimate-interest, contract or legal-obligation;G i@x.test;"},
	/* a list of contacts is no list of suppressions */
	{"contacts.csv", "firstname,lastname,email,city\nA,B,a@x.test,C\n", NULL, NULL},
	{"subs.csv", "email,name,attributes\na@x.test,A,{}\n", NULL, NULL},
	{"text.txt", "hello world\n", NULL, NULL},
	{"empty.txt", "", NULL, NULL},
	{"broken.json", "[{\"a\":", NULL, NULL},
};

static void tell_entry(const struct list_entry *e, struct buf *out)
{
	if (e->kind == ENTRY_SUPPRESS)
		buf_fmt(out, "S %s %s%.*s%s%.*s;", reason_word(e->reason), e->is_domain ? "domain " : "", VFMT(e->address), e->topic.n ? " " : "", VFMT(e->topic));
	else if (e->kind == ENTRY_GRANT)
		buf_fmt(out, "G %.*s;", VFMT(e->address));
	else if (e->kind == ENTRY_WITHDRAW)
		buf_fmt(out, "W %.*s;", VFMT(e->address));
	else if (e->kind == ENTRY_ALLOW)
		buf_fmt(out, "A %s%.*s;", e->is_domain ? "domain " : "", VFMT(e->address));
	else
		buf_fmt(out, "%c %s;", e->kind == ENTRY_SKIP ? '-' : '!', e->why);
}

static void tell(struct list_reader *r, struct buf *out)
{
	struct list_row row;
	struct err err;
	const char *bad;
	while (list_next(r, &row, &bad, &err) == 1) {
		unsigned more = 0;
		if (bad)
			buf_fmt(out, "! %s;", bad);
		do {
			struct list_entry e = {.next = more};
			if (bad)
				break;
			list_format(r)->map(&row, &e);
			tell_entry(&e, out);
			more = e.next;
		} while (more);
	}
}

static void files_are_known_by_their_shape(void **state)
{
	(void)state;
	char dir[] = "/tmp/optgate-lists-XXXXXX", path[100];
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		struct list_reader *r = NULL;
		struct err err = {0};
		struct buf out;
		snprintf(path, sizeof path, "%s/%s", dir, files[i].name);
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(files[i].text, f);
		fclose(f);
		buf_init(&out, 10000);
		int rc = list_open(&r, path, NULL, &err);
		if (files[i].format && rc < 0)
			fail_msg("%zu %s: %s", i, files[i].name, err.text);
		assert_int_equal(rc, files[i].format ? 0 : -1);
		if (r)
			tell(r, &out);
		if (files[i].says && strcmp(buf_cstr(&out), files[i].says) != 0)
			fail_msg("%zu %s: %s", i, files[i].name, buf_cstr(&out));
		if (files[i].format)
			assert_string_equal(list_format(r)->name, files[i].format);
		list_close(&r);
		buf_free(&out);
		unlink(path);
	}
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(csv_is_the_same_in_every_cut),
	    cmocka_unit_test(a_line_without_end_is_bounded),
	    cmocka_unit_test(cells_are_no_formulas),
	    cmocka_unit_test(dates_of_every_vendor_are_read),
	    cmocka_unit_test(files_are_known_by_their_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
