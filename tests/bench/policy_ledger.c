/* policy_ledger [N]: N suppressions and N consents (default 1,000,000). Loading, verdicts of known and unknown people, durable changes with
 * 1, 50 and 1,000 that wait at once, and the verdict's p99 meanwhile; then N/10 rows of each kind that is not a person's, and what each adds to
 * a verdict. BENCH_DIR: where (default /tmp). */
#include <ftw.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "ledger/blocks.h"
#include "policy/policy.h"

#define LOOKS 200000
#define SECONDS 3
#define SUBMITTERS 1000

static struct ledger *l;
static unsigned long rows = 1000000;
static struct stream stream = {.class = CLASS_MARKETING, .accepts = 1u << BASIS_CONSENT};
static struct brand brand;
static struct scope elsewhere;

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A benchmark stops at the first failure. */
static void must(int rc, const struct err *err)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

/* Spread evenly, and rising with i, as a sorted import would come: half of the people known are odd. */
static struct person_key person(unsigned long i)
{
	struct person_key k;
	uint8_t hash[SHA256_BYTES];
	unsigned long long top = (unsigned long long)(((__uint128_t)i << 64) / (2 * rows + 1));
	sha256(view_n(&i, sizeof i), hash);
	for (int b = 0; b < 8; b++)
		k.b[b] = (uint8_t)(top >> (56 - 8 * b));
	memcpy(k.b + 8, hash, 8);
	return k;
}

static bool next_row(void *arg, struct change *c)
{
	unsigned long *at = arg, i = (*at)++;
	if (i >= 2 * rows)
		return false;
	*c = (struct change){.kind = i % 2 ? CHANGE_GRANT : CHANGE_SUPPRESS,
	    .channel = CHANNEL_EMAIL,
	    .who = person(i / 2 * 2),
	    .reason = REASON_UNSUBSCRIBE,
	    .basis = BASIS_CONSENT,
	    .scope = i % 2 ? stream.scope : elsewhere,
	    .event_ms = 1000};
	return true;
}

static int by_time(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Each look on its own, so that the tail is seen; the clock's own cost (some 25 ns) is in it. */
static void verdicts(const char *what, unsigned long parity, double *samples)
{
	uint64_t dice = 88172645463325252u, allowed = 0;
	struct question q = {.stream = &stream, .channel = CHANNEL_EMAIL, .address = V("ann@mail.example.com"), .now_ms = 2000};
	double start = now_s();
	for (int i = 0; i < LOOKS; i++) {
		dice ^= dice << 13;
		dice ^= dice >> 7;
		dice ^= dice << 17;
		q.who = person(dice % rows * 2 + parity);
		double t = now_s();
		allowed += policy_decide(l, &q).kind == VERDICT_ALLOW;
		samples[i] = now_s() - t;
	}
	double all = now_s() - start;
	qsort(samples, LOOKS, sizeof *samples, by_time);
	printf("verdict %-22s %8.0f/s   p50 %6.2f us   p99 %6.2f us   (%llu of %d allowed)\n", what, LOOKS / all,
	    samples[LOOKS / 2] * 1e6, samples[LOOKS / 100 * 99] * 1e6, (unsigned long long)allowed, LOOKS);
}

struct load_of_changes {
	sem_t room;
	_Atomic unsigned long answered, failed;
};

static void count(void *arg, const struct change_result *results, size_t n, const struct err *err)
{
	struct load_of_changes *load = arg;
	(void)results;
	(void)n;
	load->answered++;
	load->failed += err != NULL;
	sem_post(&load->room);
}

static _Atomic unsigned long fresh;

static double changes(unsigned at_once, double seconds)
{
	struct load_of_changes load = {0};
	sem_init(&load.room, 0, at_once);
	double start = now_s(), end = start;
	for (; (end = now_s()) - start < seconds; fresh++) {
		unsigned long i = fresh;
		struct change c = {.kind = CHANGE_SUPPRESS,
		    .channel = CHANNEL_EMAIL,
		    .reason = REASON_UNSUBSCRIBE,
		    .scope = brand.scope,
		    .source = V("one-click"),
		    .actor = V("recipient")};
		uint8_t hash[SHA256_BYTES];
		sha256(view_n(&i, sizeof i), hash);
		memcpy(c.who.b, hash, sizeof c.who.b);
		sem_wait(&load.room);
		ledger_submit(l, &c, 1, count, &load);
	}
	for (unsigned i = 0; i < at_once; i++)
		sem_wait(&load.room);
	end = now_s();
	if (load.failed)
		printf("%lu changes FAILED\n", load.failed);
	return (double)load.answered / (end - start);
}

static void *changes_meanwhile(void *arg)
{
	*(double *)arg = changes(SUBMITTERS, SECONDS);
	return NULL;
}

/* ---- rows that are no person's ---- */

struct filling {
	unsigned long at, count;
	enum channel channel;
	const char *prefix;
	unsigned digits; /* of a digest; 0: a domain */
	struct block_name name;
};

static bool next_block(void *arg, struct change *c)
{
	struct filling *f = arg;
	uint8_t hash[SHA256_BYTES];
	if (f->at == f->count)
		return false;
	sha256(view_n(&f->at, sizeof f->at), hash);
	f->at++;
	f->name.channel = f->channel;
	int n = snprintf(f->name.text, sizeof f->name.text, "%s", f->prefix);
	for (unsigned i = 0; i < f->digits / 2; i++)
		n += snprintf(f->name.text + n, sizeof f->name.text - (size_t)n, "%02x", hash[i % SHA256_BYTES]);
	if (!f->digits)
		snprintf(f->name.text + n, sizeof f->name.text - (size_t)n, "d%lu.example", f->at);
	*c = (struct change){.kind = CHANGE_SUPPRESS, .reason = REASON_MANUAL, .event_ms = 1000};
	change_about(l, &f->name, c);
	return true;
}

static void fill(struct filling f, double *samples)
{
	struct err err;
	uint64_t loaded;
	char what[40];
	double start = now_s();
	f.count = rows / 10;
	must(ledger_load(l, next_block, &f, V("bench"), V("bench"), &loaded, &err), &err);
	snprintf(what, sizeof what, "and %s rows", channel_word(f.channel));
	printf("load: %llu %s rows (%.0f/s)\n", (unsigned long long)loaded, channel_word(f.channel), (double)loaded / (now_s() - start));
	verdicts(what, 1, samples);
}

/* Each kind on top of those before. */
static void measure_blocks(double *samples)
{
	static char provider[] = "mail.example.com", *folded[] = {provider};
	verdicts("no such rows", 1, samples);
	fill((struct filling){.channel = CHANNEL_DOMAIN, .prefix = "@"}, samples);
	fill((struct filling){.channel = CHANNEL_BELOW, .prefix = "*."}, samples);
	fill((struct filling){.channel = CHANNEL_MD5, .prefix = "md5:", .digits = 32}, samples);
	fill((struct filling){.channel = CHANNEL_SHA1, .prefix = "sha1:", .digits = 40}, samples);
	fill((struct filling){.channel = CHANNEL_SHA256, .prefix = "sha256:", .digits = 64}, samples);
	fill((struct filling){.channel = CHANNEL_SHA512, .prefix = "sha512:", .digits = 128}, samples);
	brand.folding = folded;
	brand.folding_count = 1;
	verdicts("and families", 1, samples);
}

static int unlink_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void measure(double *samples)
{
	double rate;
	pthread_t thread;
	verdicts("known, idle", 0, samples);
	verdicts("unknown, idle", 1, samples);
	static const unsigned waiting[] = {1, 50, 1000};
	for (size_t i = 0; i < 3; i++)
		printf("durable changes, %4u at once: %8.0f/s\n", waiting[i], changes(waiting[i], SECONDS));
	pthread_create(&thread, NULL, changes_meanwhile, &rate);
	verdicts("known, under changes", 0, samples);
	pthread_join(thread, NULL);
	printf("durable changes meanwhile: %.0f/s\n", rate);
}

int main(int argc, char **argv)
{
	char dir[256], data[300], keys[300];
	struct err err = {0};
	struct ledger_stats s;
	unsigned long at = 0;
	uint64_t loaded;
	if (argc > 1)
		rows = strtoul(argv[1], NULL, 10);
	snprintf(dir, sizeof dir, "%s/ledger-bench.XXXXXX", getenv("BENCH_DIR") ? getenv("BENCH_DIR") : "/tmp");
	if (!mkdtemp(dir))
		return 1;
	snprintf(data, sizeof data, "%s/data", dir);
	snprintf(keys, sizeof keys, "%s/keys", dir);
	must(scope_parse(V("acme"), &brand.scope, &err) || scope_parse(V("acme/news"), &stream.scope, &err) ||
		 scope_parse(V("other"), &elsewhere, &err),
	    &err);
	stream.brand = &brand;
	must(ledger_open(&l, &(struct ledger_settings){.dir = data, .key_dir = keys}, &clock_system, &err), &err);
	double start = now_s();
	must(ledger_load(l, next_row, &at, V("bench"), V("bench"), &loaded, &err), &err);
	double took = now_s() - start;
	must(ledger_stats(l, &s, &err), &err);
	printf("load: %llu rows in %.1f s (%.0f/s), %.0f MB\n", (unsigned long long)loaded, took, (double)loaded / took,
	    (double)s.used_bytes / 1e6);
	double *samples = mem_alloc(LOOKS * sizeof *samples);
	measure(samples);
	measure_blocks(samples);
	free(samples);
	ledger_close(&l);
	nftw(dir, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
