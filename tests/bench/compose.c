/* What composing a message of 10 KiB costs: tokens, the head alone, with RSA-2048, with Ed25519, and 50 recipients of one message. */
#include <stdio.h>
#include <time.h>

#include "../unit/compose_sample.h"

#define BODY_BYTES 10240
#define SECONDS    1.0

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct work {
	struct sample s;
	struct compose_job job;
	struct buf out;
	uint64_t recipients_a_message;
	uint64_t calls;
};

static void measure(const char *what, struct work *w, void (*once)(struct work *))
{
	double start = now(), took;
	w->calls = 0;
	do {
		for (int i = 0; i < 16; i++, w->calls++)
			once(w);
		took = now() - start;
	} while (took < SECONDS);
	printf("%-34s %9.2f us %10.0f/s\n", what, took * 1e6 / (double)w->calls, (double)w->calls / took);
}

static struct token token(struct work *w)
{
	struct token t = {.channel = CHANNEL_EMAIL, .level = SCOPE_STREAM, .who = w->job.who, .masked = "j***n@e***.com"};
	return t;
}

static void link_token(struct work *w)
{
	struct token t = token(w);
	buf_clear(&w->out);
	token_mint_link(w->s.settings->tokens, &t, &w->out);
}

static void address_token(struct work *w)
{
	struct token t = token(w);
	buf_clear(&w->out);
	token_mint_address(w->s.settings->tokens, TOKEN_OPTOUT, &t, &w->out);
}

static void open_token(struct work *w)
{
	struct token t;
	ALWAYS(token_open_link(w->s.settings->tokens, buf_view(&w->out), &t, NULL) == 0);
}

static void compose_once(struct work *w)
{
	struct composed done;
	w->job.message_id = w->calls / w->recipients_a_message + 1;
	ALWAYS(compose(w->s.composer, &w->job, &done, NULL) == 0);
}

static void one_message(struct buf *message)
{
	buf_init(message, 1 << 20);
	buf_str(message, "Received: from a by b; Tue, 24 Nov 2026 02:06:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
			 "Date: Tue, 24 Nov 2026 02:06:00 +0000\r\nSubject: An offer for the spring\r\nFrom: Example <news@example.com>\r\n"
			 "Reply-To: help@example.com\r\nTo: Jane <jane@example.org>\r\nMIME-Version: 1.0\r\nX-Mailer: tool 4.2\r\n"
			 "X-Campaign-Id: 17\r\nPrecedence: bulk\r\nContent-Type: text/html; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\nX-Optgate-Campaign: spring\r\n\r\n");
	for (size_t head = message->n; message->n < head + BODY_BYTES;)
		buf_str(message, "<p>Everything is cheaper this week: come and see for yourself.</p>\r\n");
}

int main(void)
{
	static const struct {
		const char *what;
		unsigned keys;
		uint64_t recipients;
	} rows[] = {{"compose, no key", 0, 1}, {"compose, Ed25519", 2, 1}, {"compose, Ed25519, 50 recipients", 2, 50},
	    {"compose, RSA-2048", 1, 1}, {"compose, RSA-2048, 50 recipients", 1, 50}, {"compose, RSA-2048 and Ed25519", 3, 1}};
	struct buf message;
	one_message(&message);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct work w = {.recipients_a_message = rows[i].recipients};
		sample_begin(&w.s, rows[i].keys);
		buf_init(&w.out, 1000);
		w.job = sample_job(&w.s, &w.s.marketing, buf_view(&message));
		if (i == 0) {
			measure("mint an address token", &w, address_token);
			measure("mint a link token", &w, link_token);
			measure("open a link token", &w, open_token);
		}
		measure(rows[i].what, &w, compose_once);
		buf_free(&w.out);
		sample_end(&w.s);
	}
	buf_free(&message);
	return 0;
}
