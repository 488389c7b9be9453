/* RFC 3464, RFC 3461 6: one recipient, one report; the original's head, or all of it where RET=FULL asked for that. It goes the way of the
 * stream that the message went, as service mail from a null sender (RFC 5321 6.1), and is itself never reported on. */
#include "report.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/counter.h"
#include "base/log.h"
#include "mail/date.h"

COUNTER(count_reports, "optgate_delivery_reports_total", "Delivery reports (RFC 3464) written to clients");

static const struct words {
	const char *subject, *action, *sentence;
} words[] = {
    [REPORT_FAILED] = {"Not delivered", "failed", "Your message could not be delivered to this address, and will not be tried again:"},
    [REPORT_RELAYED] = {"Passed on", "relayed", "Your message was passed on to a mail server that may not tell you of its delivery:"},
};

bool report_is_wanted(const struct envelope *e, const struct recipient *r, enum report_kind kind)
{
	if (e->return_path.n == 0 || e->client.n == 0 || r->notify & NOTIFY_NEVER)
		return false;
	return kind == REPORT_FAILED ? r->notify == 0 || r->notify & NOTIFY_FAILURE : (r->notify & NOTIFY_SUCCESS) != 0;
}

/* Printable ASCII, whatever comes. */
static void add_safe(struct buf *out, struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		buf_byte(out, v.p[i] >= ' ' && v.p[i] < 0x7f ? v.p[i] : '?');
}

static void add_field(struct buf *out, const char *name, const char *type, struct view value)
{
	if (value.n == 0)
		return;
	buf_fmt(out, "%s: %s", name, type);
	add_safe(out, value);
	buf_str(out, "\r\n");
}

static void add_date(struct buf *out, const char *name, int64_t ms)
{
	char date[MAIL_DATE_TEXT];
	mail_date(ms, date);
	buf_fmt(out, "%s: %s\r\n", name, date);
}

static struct view head_of(struct view message)
{
	size_t end = view_ifind(message, V("\r\n\r\n"));
	return view_sub(message, 0, end < message.n ? end + 2 : message.n);
}

static void write_head(struct buf *out, const struct report_facts *f, bool eight_bit)
{
	char id[SPOOL_ID_TEXT];
	spool_id_text(f->id, id);
	buf_fmt(out, "From: Mail delivery <MAILER-DAEMON@%s>\r\nTo: <%.*s>\r\n", f->hostname, VFMT(f->envelope->return_path));
	buf_fmt(out, "Subject: %s: ", words[f->kind].subject);
	add_safe(out, f->recipient->address);
	buf_fmt(out, "\r\nMessage-ID: <%s.report@%s>\r\n", id, f->hostname);
	add_date(out, "Date", f->now_ms);
	buf_fmt(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
	             "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"=_%s\"\r\n%s\r\n",
	    id, eight_bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

/* For people. */
static void write_text(struct buf *out, const struct report_facts *f)
{
	buf_fmt(out, "Content-Type: text/plain; charset=us-ascii\r\n\r\n%s\r\n\r\n    ", words[f->kind].sentence);
	add_safe(out, f->recipient->address);
	if (f->hop)
		buf_fmt(out, "\r\n\r\nThe server %s answered:\r\n\r\n    ", f->hop);
	else
		buf_str(out, "\r\n\r\nThe reason:\r\n\r\n    ");
	if (f->reply.code)
		buf_fmt(out, "%d %s ", f->reply.code, f->reply.enhanced);
	add_safe(out, view_of(f->reply.text));
	buf_fmt(out, "\r\n\r\n%s\r\n", f->hostname);
}

static void write_status(struct buf *out, const struct report_facts *f)
{
	char code[32];
	bool failed = f->kind == REPORT_FAILED;
	buf_str(out, "Content-Type: message/delivery-status\r\n\r\n");
	add_field(out, "Reporting-MTA", "dns; ", view_of(f->hostname));
	add_field(out, "Original-Envelope-Id", "", f->envelope->envid);
	add_date(out, "Arrival-Date", f->arrived_ms);
	buf_str(out, "\r\n");
	struct parameters p;
	parameters_make(&p, f->envelope, f->recipient, true);
	if (p.orcpt[0]) {
		buf_fmt(out, "Original-Recipient: %s; ", p.orcpt_type);
		add_safe(out, view_of(p.orcpt));
		buf_str(out, "\r\n");
	}
	add_field(out, "Final-Recipient", "rfc822; ", f->recipient->address);
	buf_fmt(out, "Action: %s\r\n", words[f->kind].action);
	buf_fmt(out, "Status: %s\r\n", f->reply.enhanced[0] ? f->reply.enhanced : failed ? "5.0.0" : "2.0.0");
	add_field(out, "Remote-MTA", "dns; ", view_of(f->hop));
	snprintf(code, sizeof code, "smtp; %d %s%s", f->reply.code, f->reply.enhanced, f->reply.enhanced[0] ? " " : "");
	if (f->reply.code)
		add_field(out, "Diagnostic-Code", code, view_of(f->reply.text));
	add_date(out, "Last-Attempt-Date", f->now_ms);
}

bool report_write(struct buf *out, const struct report_facts *f)
{
	char id[SPOOL_ID_TEXT];
	bool full = f->envelope->ret == 1 && f->kind == REPORT_FAILED;
	struct view original = full ? f->message : head_of(f->message);
	bool eight_bit = has_eight_bit(original);
	spool_id_text(f->id, id);
	write_head(out, f, eight_bit);
	buf_fmt(out, "--=_%s\r\n", id);
	write_text(out, f);
	buf_fmt(out, "\r\n--=_%s\r\n", id);
	write_status(out, f);
	buf_fmt(out, "\r\n--=_%s\r\nContent-Type: %s\r\n%s\r\n", id, full ? "message/rfc822" : "text/rfc822-headers",
	    eight_bit ? "Content-Transfer-Encoding: 8bit\r\n" : "");
	buf_add(out, original);
	buf_fmt(out, "\r\n--=_%s--\r\n", id);
	return !out->failed;
}

/* ---- keeping it ---- */

struct keeping {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool over;
	struct err err;
};

static void kept(void *arg, const struct err *err)
{
	struct keeping *k = arg;
	pthread_mutex_lock(&k->lock);
	if (err)
		k->err = *err;
	k->over = true;
	pthread_cond_signal(&k->done);
	pthread_mutex_unlock(&k->lock);
}

static int keep(struct attempt *a, uint64_t id, const struct spool_submission *sub, struct err *err)
{
	struct keeping k = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};
	spool_submit(a->spool, id, sub, kept, &k);
	pthread_mutex_lock(&k.lock);
	while (!k.over)
		pthread_cond_wait(&k.done, &k.lock);
	pthread_mutex_unlock(&k.lock);
	pthread_cond_destroy(&k.done);
	pthread_mutex_destroy(&k.lock);
	return k.err.kind ? err_set(err, k.err.kind, "%s", k.err.text) : 0;
}

/* The client's name stays empty: that is how our own reports are known. */
static int submit(struct attempt *a, uint64_t id, const struct address *to, struct view message, struct err *err)
{
	const struct envelope *from = &a->envelope;
	const struct envelope e = {.brand = from->brand, .stream = from->stream, .campaign = from->campaign, .helo = view_of(a->settings->hostname),
	    .protocol = from->protocol, .arrived_ms = clock_wall(a->clock)};
	const struct recipient r = {.address = view_of(to->exact), .notify = NOTIFY_NEVER};
	struct buf envelope, recipient, lane;
	buf_init(&envelope, 8192);
	buf_init(&recipient, 2048);
	buf_init(&lane, LANE_MAX);
	envelope_write(&e, &envelope);
	recipient_write(&r, &recipient);
	buf_fmt(&lane, "%.*s/%.*s@%s", VFMT(from->brand), VFMT(from->stream), address_domain(to).p);
	const struct spool_new_item item = {.lane = buf_view(&lane), .data = buf_view(&recipient)};
	const struct spool_submission sub = {.envelope = buf_view(&envelope), .message = message, .items = &item, .item_count = 1};
	int rc = envelope.failed || recipient.failed || lane.failed
	    ? err_set(err, ERR_LIMIT, "report: envelope is too large")
	    : keep(a, id, &sub, err);
	buf_free(&envelope);
	buf_free(&recipient);
	buf_free(&lane);
	return rc;
}

int report_submit(struct attempt *a, enum report_kind kind, const struct reply *reply, struct err *err)
{
	struct address to;
	struct buf message;
	char id[SPOOL_ID_TEXT], of[SPOOL_ID_TEXT];
	if (address_parse(a->envelope.return_path, &to, NULL) < 0)
		return 0; /* nobody to tell */
	struct report_facts f = {.envelope = &a->envelope, .recipient = &a->recipient, .hostname = a->settings->hostname, .hop = a->hop[0] ? a->hop : NULL,
	    .message = a->bytes.message, .reply = *reply, .arrived_ms = a->item.arrived_ms, .now_ms = clock_wall(a->clock),
	    .id = spool_new_id(a->spool), .kind = kind};
	buf_init(&message, REPORT_MAX);
	int rc = report_write(&message, &f)
	    ? submit(a, f.id, &to, buf_view(&message), err)
	    : err_set(err, ERR_LIMIT, "report: larger than %u bytes", REPORT_MAX);
	buf_free(&message);
	if (rc < 0)
		return -1;
	spool_id_text(f.id, id);
	spool_id_text(a->item.id, of);
	counter_add(&count_reports, 1);
	log_event(LOG_LEVEL_INFO, "delivery.report", "id=%s of=%s item=%" PRIu32 " action=%s", id, of, a->item.index, words[kind].action);
	return 0;
}
