#include "meter.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/counter.h"
#include "base/log.h"
#include "base/mem.h"

#define TOKEN 60000        /* a token in the bucket's unit */
#define LOG_EVERY_MS 10000 /* one line a client and limit */

COUNTER(connections_refused, "optgate_client_limits_total{limit=\"max_connections\"}",
    "Refusals because a client reached a limit of its own");
COUNTER(messages_refused, "optgate_client_limits_total{limit=\"max_messages_per_minute\"}",
    "Refusals because a client reached a limit of its own");
COUNTER(recipients_refused, "optgate_client_limits_total{limit=\"max_recipients_per_minute\"}",
    "Refusals because a client reached a limit of its own");
COUNTER(memory_refused, "optgate_client_limits_total{limit=\"memory\"}",
    "Refusals because a client reached a limit of its own");

static const struct {
	const char *name;
	struct counter *counter;
} rows[CLIENT_LIMITS] = {
    [CLIENT_CONNECTIONS] = {"max_connections", &connections_refused},
    [CLIENT_MESSAGES] = {"max_messages_per_minute", &messages_refused},
    [CLIENT_RECIPIENTS] = {"max_recipients_per_minute", &recipients_refused},
    [CLIENT_MEMORY] = {"memory", &memory_refused},
};

int64_t bucket_take(struct bucket *b, unsigned per_minute, unsigned n, int64_t now_ms)
{
	if (!per_minute)
		return 0;
	int64_t size = (int64_t)per_minute * TOKEN, want = (int64_t)n * TOKEN, passed = now_ms - b->at_ms;
	/* after a minute it is full, whatever was spent */
	b->spent = passed >= TOKEN ? 0 : b->spent - passed * per_minute;
	if (b->spent < 0)
		b->spent = 0;
	if (b->spent > size) /* the limit was lowered */
		b->spent = size;
	b->at_ms = now_ms;
	if (b->spent + want > size)
		return (b->spent + want - size + per_minute - 1) / per_minute;
	b->spent += want;
	return 0;
}

struct meter *meter_of(struct meter **list, const char *name)
{
	for (struct meter *m = *list; m; m = m->next)
		if (strcmp(m->name, name) == 0)
			return m;
	struct meter *m = mem_zero(sizeof *m);
	m->name = mem_strdup(name);
	pthread_mutex_init(&m->lock, NULL);
	m->next = *list;
	*list = m;
	return m;
}

void meters_free(struct meter **list)
{
	for (struct meter *m = *list, *next; m; m = next) {
		next = m->next;
		pthread_mutex_destroy(&m->lock);
		free(m->name);
		free(m);
	}
	*list = NULL;
}

static void note(const struct client *c, enum client_limit l, int64_t now_ms)
{
	struct meter *m = c->meter;
	counter_add(rows[l].counter, 1);
	pthread_mutex_lock(&m->lock);
	unsigned refused = ++m->limits[l].refused;
	bool tell = !m->limits[l].logged_ms || now_ms - m->limits[l].logged_ms >= LOG_EVERY_MS;
	if (tell) {
		m->limits[l].logged_ms = now_ms;
		m->limits[l].refused = 0;
	}
	pthread_mutex_unlock(&m->lock);
	if (tell)
		log_event(LOG_LEVEL_WARNING, "intake.client.limit", "client=%s limit=%s refused=%u", c->name,
		    rows[l].name, refused);
}

bool meter_enter(const struct client *c, const struct clock *clock, struct reply *refused)
{
	unsigned open = atomic_fetch_add(&c->meter->connections, 1) + 1;
	if (!c->max_connections || open <= c->max_connections)
		return true;
	atomic_fetch_sub(&c->meter->connections, 1);
	note(c, CLIENT_CONNECTIONS, clock_mono(clock));
	reply_set(refused, 421, "4.7.0", "Client %s has its %u connections already; try again later", c->name,
	    c->max_connections);
	return false;
}

void meter_leave(const struct client *c)
{
	atomic_fetch_sub(&c->meter->connections, 1);
}

static bool take(const struct client *c, enum client_limit l, struct bucket *b, unsigned per_minute, const char *what,
    const struct clock *clock, struct reply *refused)
{
	int64_t now = clock_mono(clock);
	if (!per_minute)
		return true;
	pthread_mutex_lock(&c->meter->lock);
	int64_t wait_ms = bucket_take(b, per_minute, 1, now);
	pthread_mutex_unlock(&c->meter->lock);
	if (!wait_ms)
		return true;
	note(c, l, now);
	reply_set(refused, 450, "4.7.1", "Client %s sends more than %u %s a minute; try again in %" PRId64 " s",
	    c->name, per_minute, what, (wait_ms + 999) / 1000);
	return false;
}

bool meter_message(const struct client *c, const struct clock *clock, struct reply *refused)
{
	return take(c, CLIENT_MESSAGES, &c->meter->messages, c->max_messages_per_minute, "messages", clock, refused);
}

bool meter_recipient(const struct client *c, const struct clock *clock, struct reply *refused)
{
	return take(
	    c, CLIENT_RECIPIENTS, &c->meter->recipients, c->max_recipients_per_minute, "recipients", clock, refused);
}

bool meter_has_memory(const struct client *c, uint64_t share, const struct clock *clock, struct reply *refused)
{
	if (c->meter->memory <= share)
		return true;
	note(c, CLIENT_MEMORY, clock_mono(clock));
	reply_set(refused, 452, "4.3.1", "Client %s sends too many messages at once; try again later", c->name);
	return false;
}
