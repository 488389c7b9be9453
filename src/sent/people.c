/* Who was sent something in the last 30 days: a hash table of chains, by person and scope. A person key is a MAC: its bytes are random
 * already. */
#include <stdlib.h>
#include <string.h>

#include "sent_internal.h"

#define BUCKETS_FIRST 4096u
#define SWEEPS_A_ROUND 3600u
#define ENTRIES_FIRST 2u

struct node {
	struct node *next;
	struct person_key who;
	uint8_t scope[SCOPE_ID_BYTES];
	unsigned n, room;
	struct sent_entry at[];
};

struct people {
	struct node **buckets;
	size_t bucket_count, node_count; /* a power of two */
	size_t swept;                    /* the bucket that is looked at next */
};

struct people *people_new(void)
{
	struct people *p = mem_zero(sizeof *p);
	p->bucket_count = BUCKETS_FIRST;
	p->buckets = mem_zero(p->bucket_count * sizeof(struct node *));
	return p;
}

void people_free(struct people **pp)
{
	struct people *p = *pp;
	if (!p)
		return;
	for (size_t i = 0; i < p->bucket_count; i++)
		while (p->buckets[i]) {
			struct node *n = p->buckets[i];
			p->buckets[i] = n->next;
			free(n);
		}
	free(p->buckets);
	free(p);
	*pp = NULL;
}

static size_t hash_of(const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES])
{
	uint64_t a, b;
	memcpy(&a, who->b, sizeof a);
	memcpy(&b, scope, sizeof b);
	return (size_t)(a ^ b);
}

/* Where the pointer to its node is, or would be. */
static struct node **place_of(const struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES])
{
	struct node **at = &p->buckets[hash_of(who, scope) & (p->bucket_count - 1)];
	while (*at && (memcmp((*at)->who.b, who->b, PERSON_KEY_BYTES) != 0 || memcmp((*at)->scope, scope, SCOPE_ID_BYTES) != 0))
		at = &(*at)->next;
	return at;
}

static void double_buckets(struct people *p)
{
	struct node **old = p->buckets;
	const size_t old_count = p->bucket_count;
	p->bucket_count *= 2;
	p->buckets = mem_zero(p->bucket_count * sizeof(struct node *));
	p->swept = 0;
	for (size_t i = 0; i < old_count; i++)
		while (old[i]) {
			struct node *n = old[i];
			old[i] = n->next;
			struct node **at = &p->buckets[hash_of(&n->who, n->scope) & (p->bucket_count - 1)];
			n->next = *at;
			*at = n;
		}
	free(old);
}

/* A month is over: it no longer counts. A clock that was set back makes nothing count for longer than that. */
static bool is_over(const struct sent_entry *e, uint32_t at_s)
{
	return at_s > e->at_s && at_s - e->at_s >= SENT_MONTH_MS / 1000;
}

static void forget_old(struct node *n, uint32_t at_s)
{
	unsigned left = 0;
	for (unsigned i = 0; i < n->n; i++)
		if (!is_over(&n->at[i], at_s))
			n->at[left++] = n->at[i];
	n->n = left;
}

struct sent_entry *people_entries(
    struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], uint32_t at_s, unsigned *ret_n)
{
	struct node *n = *place_of(p, who, scope);
	*ret_n = 0;
	if (!n)
		return NULL;
	forget_old(n, at_s);
	*ret_n = n->n;
	return n->at;
}

static struct node *with_room(struct people *p, struct node **at, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES])
{
	struct node *n = *at;
	if (n && n->n < n->room)
		return n;
	const unsigned room = n ? 2 * n->room : ENTRIES_FIRST;
	struct node *more = mem_grow(n, sizeof *more + room * sizeof more->at[0]);
	if (!n) {
		*more = (struct node){.who = *who};
		memcpy(more->scope, scope, SCOPE_ID_BYTES);
		p->node_count++;
	}
	more->room = room;
	*at = more;
	return more;
}

void people_add(struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], struct sent_entry e)
{
	if (p->node_count >= p->bucket_count)
		double_buckets(p);
	struct node **at = place_of(p, who, scope), *n = with_room(p, at, who, scope);
	n->at[n->n++] = e;
}

struct sent_entry *people_find(struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], uint32_t print)
{
	struct node *n = *place_of(p, who, scope);
	for (unsigned i = 0; n && i < n->n; i++)
		if (n->at[i].print == print)
			return &n->at[i];
	return NULL;
}

void people_remove(struct people *p, const struct person_key *who, const uint8_t scope[SCOPE_ID_BYTES], uint32_t print)
{
	struct sent_entry *e = people_find(p, who, scope, print);
	struct node *n = *place_of(p, who, scope);
	if (!e)
		return;
	memmove(e, e + 1, (size_t)(&n->at[n->n] - (e + 1)) * sizeof *e);
	n->n--;
}

void people_sweep(struct people *p, uint32_t at_s)
{
	for (size_t k = 0; k <= p->bucket_count / SWEEPS_A_ROUND; k++) {
		struct node **at = &p->buckets[p->swept++ & (p->bucket_count - 1)];
		while (*at) {
			struct node *n = *at;
			forget_old(n, at_s);
			if (n->n) {
				at = &n->next;
				continue;
			}
			*at = n->next;
			free(n);
			p->node_count--;
		}
	}
}
