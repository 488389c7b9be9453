/* A whole milter connection before a real intake: whatever comes, in one piece or in two, the same answers, and nothing is left behind. */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/doors/doors_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	char dir[64];
	struct ledger *ledger;
	struct spool *spool;
	struct intake *intake;
	struct brand brand;
	struct stream stream;
	struct policy policy;
	struct shared_slot settings;
	struct door_env env;
} world;

static void keep(struct shared *s)
{
	(void)s;
}

static struct intake_settings *intake_settings(void)
{
	struct intake_settings *s = mem_zero(sizeof *s);
	s->policy = &world.policy;
	s->clients = mem_zero(sizeof *s->clients);
	s->client_count = 1;
	s->clients[0] = (struct client){.name = mem_strdup("tool"), .brand = &world.brand, .default_stream = &world.stream};
	s->hostname = mem_strdup("gate.test");
	s->max_message_bytes = 100000;
	s->max_recipients = 5;
	s->max_received = 5;
	s->memory_bytes = 1 << 20;
	return s;
}

static void make_policy(void)
{
	static char acme[] = "acme", offers[] = "offers", domain[] = "acme.test", url[] = "https://u.acme.test";
	static char *domains[] = {domain};
	world.brand = (struct brand){.name = acme, .title = acme, .from_domains = domains, .from_domain_count = 1, .bounce_domain = domain,
	    .public_url = url, .streams = &world.stream, .stream_count = 1};
	world.stream = (struct stream){.name = offers, .title = offers, .brand = &world.brand, .class = CLASS_MARKETING, .list_id = domain};
	ALWAYS(scope_parse(V("acme"), &world.brand.scope, NULL) == 0 && scope_parse(V("acme/offers"), &world.stream.scope, NULL) == 0);
	world.policy = (struct policy){.brands = &world.brand, .brand_count = 1};
	world.policy.shared.refs = 1;
	world.policy.shared.free = keep;
}

static struct doors_settings *doors_settings(void)
{
	static const uint8_t key[1][TOKEN_KEY_BYTES] = {{1}}, id[1] = {1};
	struct doors_settings *s = mem_zero(sizeof *s);
	s->compose = mem_zero(sizeof *s->compose);
	s->compose->shared.refs = 1;
	s->compose->shared.free = compose_settings_free;
	s->compose->hostname = mem_strdup("gate.test");
	s->compose->tokens = token_keys_new(key, id, 1);
	s->client = mem_strdup("tool");
	return s;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static void end_world(void)
{
	composer_free(&world.env.composer);
	shared_replace(&world.settings, NULL, NULL);
	intake_free(&world.intake);
	spool_close(&world.spool);
	ledger_close(&world.ledger);
	nftw(world.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_world(void)
{
	char ledger[80], keys[80], spool[80];
	snprintf(world.dir, sizeof world.dir, "/tmp/optgate-milter-XXXXXX");
	ALWAYS(mkdtemp(world.dir) != NULL);
	snprintf(ledger, sizeof ledger, "%s/ledger", world.dir);
	snprintf(keys, sizeof keys, "%s/keys", world.dir);
	snprintf(spool, sizeof spool, "%s/spool", world.dir);
	const struct ledger_settings ls = {.dir = ledger, .key_dir = keys, .map_bytes = 16 << 20};
	const struct spool_settings ss = {.dir = spool, .segment_bytes = 1 << 20, .min_free_bytes = 1};
	log_set_level(LOG_LEVEL_ERROR);
	make_policy();
	ALWAYS(ledger_open(&world.ledger, &ls, &clock_system, NULL) == 0 && spool_open(&world.spool, &ss, &clock_system, NULL) == 0);
	world.intake = intake_new(world.ledger, world.spool, &clock_system);
	shared_hold(&world.policy.shared);
	intake_use(world.intake, intake_settings());
	shared_slot_init(&world.settings);
	struct doors_settings *s = doors_settings();
	shared_replace(&world.settings, &s->shared, doors_settings_free);
	world.env = (struct door_env){world.intake, &intake_verbs, &world.settings, &clock_system, composer_new()};
	atexit(end_world);
}

/* The letters of the answers: links in them differ from one run to the next. */
static void letters(struct view answers, struct buf *out)
{
	while (answers.n >= 5) {
		size_t n = (unsigned char)answers.p[2] * 256u + (unsigned char)answers.p[3];
		buf_byte(out, answers.p[4]);
		answers = view_sub(answers, 4 + n, answers.n);
	}
}

static void run(struct view in, size_t cut, struct buf *out)
{
	void *session = door_milter.open(&world.env);
	const char *why = NULL;
	struct buf answers;
	buf_init(&answers, 1 << 20);
	for (size_t at = 0, to = cut; !why && at < in.n; to = in.n) {
		size_t n = door_milter.feed(session, view_sub(in, at, to), &answers, &why);
		ALWAYS(why || n || at == to);
		at += n;
	}
	letters(buf_view(&answers), out);
	buf_free(&answers);
	door_milter.close(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct buf whole, parts;
	if (!world.intake)
		make_world();
	buf_init(&whole, 1 << 20);
	buf_init(&parts, 1 << 20);
	run(in, in.n, &whole);
	run(in, size ? data[0] * 7u % (size + 1) : 0, &parts);
	ALWAYS(view_eq(buf_view(&whole), buf_view(&parts)));
	buf_free(&whole);
	buf_free(&parts);
	return 0;
}
