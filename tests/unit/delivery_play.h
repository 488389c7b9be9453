/* One session against a scripted next hop, watched as delivery's watchdog does. */
#pragma once

#include "../../src/delivery/session.h"
#include "hop_server.h"

#define MAILS_MOST 8

static const char head[] = "From: a@example.com\r\nTo: b@example.net\r\nDate: Tue, 24 Nov 2026 02:00:00 +0000\r\n"
                           "Message-ID: <1@example.com>\r\nSubject: one\r\nX-A: 1\r\nX-A: 2\r\n\r\n";
static const char body[] = "Hello\r\n.dot\r\n..dots\r\nbye\r\n";

struct play {
	struct hop_server hop;
	struct session_plan plan;
	struct addresses addresses;
	struct wire wire;
	struct view body;
	const struct parameters *parameters;
	unsigned want, given, results, asked;
	bool refuse_to_go;
	int park_ms;
	struct session_result r[MAILS_MOST];
	unsigned slot_mail[SESSION_SLOTS];
	const char *recipient;
	int64_t took_ms;
};

static int64_t mono(void)
{
	return clock_mono(&clock_system);
}

static bool give(void *arg, unsigned slot, bool wait, struct session_mail *mail)
{
	struct play *p = arg;
	if (p->given == p->want)
		return false;
	if (wait && p->park_ms)
		poll(NULL, 0, p->park_ms);
	p->slot_mail[slot] = p->given++;
	*mail = (struct session_mail){.return_path = "bounce@example.com", .recipient = p->recipient ? p->recipient : "b@example.net", .parameters = p->parameters,
	    .head = view_n(head, sizeof head - 1), .body = p->body};
	return true;
}

static bool ask(void *arg, unsigned slot)
{
	(void)slot;
	struct play *p = arg;
	p->asked++;
	while (p->hop.script.early && !atomic_load(&p->hop.was_early))
		poll(NULL, 0, 1);
	return !p->refuse_to_go;
}

static void take_result(void *arg, unsigned slot, const struct session_result *r)
{
	struct play *p = arg;
	p->r[p->slot_mail[slot]] = *r;
	p->results++;
}

static const struct session_calls calls = {give, ask, take_result};

static void set_up(struct play *p, const struct hop_script *script, unsigned mails)
{
	memset(p, 0, sizeof *p);
	hop_open(&p->hop, script);
	struct err err;
	assert_int_equal(resolve("127.0.0.1", p->hop.port, &p->addresses, &err), 0);
	wire_init(&p->wire);
	p->body = view_n(body, sizeof body - 1);
	p->want = mails;
	p->plan = (struct session_plan){.hostname = "gate.example.com", .addresses = &p->addresses, .tls_name = "hop.example.net",
	    .connect_timeout_ms = 2000, .attempt_timeout_ms = 8000, .reply_timeout_s = 2, .clock = &clock_system, .wire = &p->wire};
}

/* Cuts as delivery's watchdog does. */
static void *watch(void *arg)
{
	struct play *p = arg;
	while (!atomic_load(&p->hop.ending)) {
		int64_t deadline = atomic_load(&p->wire.deadline_ms);
		if (deadline && mono() > deadline)
			wire_cut(&p->wire, WIRE_DEADLINE);
		poll(NULL, 0, 20);
	}
	return NULL;
}

static void run(struct play *p)
{
	pthread_t t;
	assert_int_equal(pthread_create(&t, NULL, watch, p), 0);
	int64_t from = mono();
	session_run(&p->plan, &calls, p);
	p->took_ms = mono() - from;
	hop_close(&p->hop);
	hop_free(&p->hop);
	pthread_join(t, NULL);
	wire_free(&p->wire);
	assert_int_equal(p->results, p->given); /* exactly one for each */
}

static enum delivery_outcome outcome(const struct play *p, unsigned i)
{
	return outcome_of(p->r[i].stage, &p->r[i].reply, p->r[i].complete);
}
