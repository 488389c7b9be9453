/* tool: verbs run on a data directory of their own; each line is what a user types, the exit status, and a part of what is said. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../src/tool/tool.h"
#include "base/file.h"
#include "base/mem.h"

static const char settings_text[] =
    "data_dir = \"data\";\n"
    "public = { url = \"https://u.acme.test\"; };\n"
    "delivery = { next_hops = ( { name = \"mta\"; host = \"127.0.0.1\"; } ); };\n"
    "brands = ( { name = \"acme\"; title = \"Acme\"; from_domains = [ \"acme.test\" ]; bounce_domain = \"b.acme.test\";\n"
    "  dkim = ( { domain = \"acme.test\"; selector = \"s1\"; } );\n"
    "  streams = ( { name = \"offers\"; class = \"marketing\"; requires = \"consent\"; topics = ( { name = \"spring\"; } ); },\n"
    "              { name = \"receipts\"; class = \"service\"; } ); } );\n"
    "clients = ( { name = \"crm\"; brand = \"acme\"; stream = \"offers\"; } );\n";

static char dir[64], conf[80];
static char *said;

static int make_dir(void **state)
{
	(void)state;
	struct err err;
	snprintf(dir, sizeof dir, "/tmp/optgate-tool-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(conf, sizeof conf, "%s/optgate.conf", dir);
	return file_replace(conf, view_of(settings_text), 0644, &err);
}

static int remove_dir(void **state)
{
	(void)state;
	char command[100];
	free(said);
	said = NULL;
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command);
}

/* Runs `optgate -c conf LINE` with INPUT; what it says on both outputs is in .said. */
static int run(const char *line, const char *input)
{
	char *copy = mem_strdup(line), *argv[24] = {(char *)"optgate", (char *)"-c", conf}, *save = NULL;
	int argc = 3;
	for (char *w = strtok_r(copy, " ", &save); w && argc < 23; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	free(said);
	said = NULL;
	size_t n;
	FILE *out = open_memstream(&said, &n), *in = fmemopen((void *)input, strlen(input), "r");
	struct tool t = {.in = in, .out = out, .err_out = out};
	int code = tool_run(&t, argc, argv);
	fclose(out);
	fclose(in);
	free(copy);
	return code;
}

static void expect(const char *line, int code, const char *part)
{
	int got = run(line, "a long password\n");
	if (got != code || !strstr(said, part))
		fail_msg("optgate %s: exit %d instead of %d, said:\n%s", line, got, code, said);
}

static void people_are_blocked_and_freed(void **state)
{
	(void)state;
	expect("explain ann@example.net --stream acme/offers", 3, "suppress (no-consent)");
	expect("consent grant Ann@Example.NET --purpose acme/offers --wording v3 --evidence ip=192.0.2.1", 0, "ann@example.net: granted: consent, scope acme/offers");
	expect("explain ann@example.net --stream acme/offers", 0, "ann@example.net, acme/offers: allow\n");
	expect("suppress add ann@example.net --scope acme/offers --reason unsubscribe", 0, "suppressed: unsubscribe");
	expect("suppress add ann@example.net --scope acme/offers --reason unsubscribe", 0, "was suppressed already");
	expect("explain ann@example.net --stream acme/offers", 3, "suppress (unsubscribe)");
	expect("explain ann@example.net --stream acme/offers --topic spring --json", 3, "\"topic\": \"spring\"");
	expect("explain ann@example.net --stream acme/receipts", 0, "allow");
	expect("suppress show ann@example.net", 0, "acme/offers  unsubscribe");
	expect("suppress show bob@example.net", 0, "bob@example.net: not suppressed");
	expect("suppress show bob@example.net --json", 0, "[]");
	expect("consent show ann@example.net", 0, "ip=192.0.2.1");
	expect("suppress remove ann@example.net --scope acme/offers --reason unsubscribe --note asked", 0, "removal asked for");
	expect("suppress approve 1 --note seen", 1, "journal entry 1 is no request");
	expect("suppress approve one --note seen", 2, "expected the number of a journal entry");
	if (geteuid() != 0)
		return; /* only root can be two people */
	expect("suppress remove ann@example.net --scope acme/offers --reason unsubscribe --note asked", 0, "suppress approve ");
	unsigned long long entry = strtoull(strstr(said, "suppress approve ") + strlen("suppress approve "), NULL, 10);
	char line[80];
	snprintf(line, sizeof line, "suppress approve %llu --note seen", entry);
	expect(line, 1, "somebody else must approve it");
	setenv("SUDO_USER", "second", 1);
	expect(line, 0, "no longer suppressed");
	unsetenv("SUDO_USER");
	expect("explain ann@example.net --stream acme/offers", 0, "allow");
	expect("consent withdraw ann@example.net --purpose acme/offers", 0, "withdrawn");
	expect("consent grant ann@example.net --purpose acme/offers --at 2020-01-01", 0, "changed nothing");
	expect("explain ann@example.net --stream acme/offers", 3, "suppress (withdrawn)");
	expect("journal tail --count 2", 0, "withdraw");
	expect("journal verify", 0, "journal verified: ");
	expect("journal verify --json", 0, "\"whole\": true");
}

static void somebody_says_stop(void **state)
{
	(void)state;
	expect("optout --channel sms --from +44(0)20-7946-0000 --keyword Stop! --at 2026-01-02T03:04:05Z", 0, "+442079460000: opted out");
	expect("optout 00442079460000 --channel sms --keyword STOPALL", 0, "had opted out already");
	expect("optout +442079460000 --channel phone --scope acme --source call-centre --evidence call=17", 0, "opted out");
	expect("optout +442079460001 --channel sms --keyword hello", 3, "is no word that stops");
	expect("suppress show +442079460000 --channel sms --json", 0, "\"source\": \"sms\"");
	expect("suppress show +442079460000 --channel phone --json", 0, "\"source\": \"call-centre\"");
	expect("consent show +442079460000 --channel sms --json", 0, "keyword=STOPALL");
	expect("suppress show +442079460001 --channel sms", 0, "not suppressed");
	expect("optout 02079460000 --channel sms", 1, "country code");
	expect("optout", 2, "expected an address or a number");
}

static void domains_and_digests_are_blocked_and_seeds_pass(void **state)
{
	(void)state;
	expect("suppress list", 0, "no domain and no digest is blocked");
	expect("allow list", 0, "nobody is let pass");
	expect("suppress add @Example.ORG --note own-firm", 0, "@example.org: suppressed: manual, scope global");
	expect("suppress add @example.org", 0, "was suppressed already");
	expect("suppress add *.example.org --scope acme --reason objection", 0, "*.example.org: suppressed: objection, scope acme");
	expect("suppress add md5:0123456789abcdef0123456789ABCDEF", 0, "md5:0123456789abcdef0123456789abcdef: suppressed");
	expect("suppress list", 0, "@example.org");
	expect("suppress list --json", 0, "\"kind\": \"below-domain\"");
	expect("suppress list --limit 1", 0, "there are more rows");
	expect("suppress show @example.org", 0, "own-firm");
	expect("suppress show @example.com", 0, "@example.com: not suppressed");
	expect("suppress add @example --channel sms", 1, "@example: ");
	expect("suppress add md5:12", 1, "md5:12: md5: expected 32 hex digits");
	expect("explain eve@example.org --stream acme/offers", 3, "@example.org: stopped by hand");
	expect("explain eve@mail.example.org --stream acme/offers --json", 3, "\"about\": \"*.example.org\"");
	expect("explain eve@example.org --stream acme/receipts", 0, "allow");
	expect("allow add eve@example.org", 2, "expected --note TEXT");
	expect("allow add eve@example.org --note seed", 0, "eve@example.org: let pass: allow row, scope global");
	expect("allow add eve@mail.example.org --note seed", 0, "let pass");
	expect("explain eve@example.org --stream acme/offers", 0, "an allow row lifts it");
	expect("explain eve@mail.example.org --stream acme/offers", 3, "suppress (objection)");
	expect("allow list", 0, "eve@example.org");
	expect("allow remove eve@example.org", 0, "no longer let pass");
	expect("allow remove eve@example.org", 0, "was not let pass like this");
	expect("explain eve@example.org --stream acme/offers", 3, "suppress (manual)");
	expect("suppress remove @example.org --note mistake", 0, "@example.org: no longer suppressed");
	expect("suppress families", 0, "0 addresses");
	expect("explain postmaster@example.net --stream acme/offers", 3, "suppress (role-account)");
	expect("explain postmaster@example.net --stream acme/receipts", 0, "allow");
}

static void mistakes_are_told(void **state)
{
	(void)state;
	expect("suppress add ann --scope acme", 1, "ann: ");
	expect("suppress add ann@example.net --scope acm", 1, "\"acm\" is no brand, stream or topic of the settings");
	expect("suppress add ann@example.net --scope acme/offers/summer", 1, "is no brand, stream or topic");
	expect("suppress add ann@example.net --reason boredom", 1, "--reason: expected objection, unsubscribe");
	expect("suppress add ann@example.net --channel pigeon", 1, "--channel: expected email");
	expect("suppress add ann@example.net --expires soon", 1, "--expires: expected 2027-01-31");
	expect("suppress remove ann@example.net", 2, "expected --note TEXT; see `optgate help suppress`");
	expect("consent grant ann@example.net --purpose acme --basis hope", 1, "--basis: expected consent, soft-opt-in");
	expect("consent grant ann@example.net --purpose acme --evidence x", 1, "--evidence: expected KEY=VALUE");
	expect("explain ann@example.net --stream acme/nothing", 1, "--stream: the settings have no \"acme/nothing\"");
	expect("explain ann@example.net --stream acme/offers --topic x", 1, "has no topic \"x\"");
	expect("journal tail --count many", 1, "--count: expected a number");
	expect("client add nobody", 1, "the settings have no client of that name");
	expect("key new dkim acme.test S! rsa", 1, "expected a DKIM selector");
	expect("key new dkim acme.test s1 dsa", 2, "expected DOMAIN SELECTOR rsa|ed25519");
	expect("key rotate ledger", 1, "can't be rotated");
	expect("queue drop", 1, "queue drop: expected a filter, or all");
	expect("queue show zzz", 1, "\"zzz\" is no message id");
	expect("help frob", 2, "there is no such verb");
}

static void keys_clients_and_figures(void **state)
{
	(void)state;
	expect("config check --no-keys", 0, ": ok");
	expect("config check", 1, "brands[].dkim[].key_file");
	expect("key new dkim acme.test s1 ed25519", 0, "s1._domainkey.acme.test. IN TXT ( \"v=DKIM1; k=ed25519; p=");
	expect("key new dkim acme.test s1 ed25519", 1, "exists");
	expect("config check", 0, ": ok");
	expect("config check --json", 0, "\"ok\": true");
	expect("config show", 0, "brands[0].streams[1].class");
	expect("key new token", 1, "`optgate key rotate token` adds one");
	expect("key rotate token", 0, "token-002.key");
	expect("key new ledger", 0, "ledger.key, person.key");
	expect("key new ledger", 1, "is there already");
	expect("key list", 0, "signs messages (Ed25519)");
	expect("key list --json", 0, "v=DKIM1; k=ed25519; p=");
	assert_null(strstr(said, "PRIVATE"));
	expect("client list", 0, "crm     acme   offers  0         no ");
	expect("client add crm", 0, "crm: password set");
	expect("client list", 0, "crm     acme   offers  0         yes");
	assert_int_equal(run("client add crm", "short\n"), 1);
	assert_non_null(strstr(said, "needs 8 bytes"));
	expect("client remove crm", 0, "password removed");
	expect("stats", 0, "spool.items");
	expect("stats --json", 0, "\"journal_entries\": 0");
	expect("queue list", 0, "0 waiting");
	expect("queue list --json", 0, "[]");
	expect("queue hold", 0, "hold: 0");
	expect("version", 0, "optgate ");
	expect("help", 0, "suppress add");
	expect("help queue", 0, "optgate queue drop [ID]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(people_are_blocked_and_freed, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(domains_and_digests_are_blocked_and_seeds_pass, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(somebody_says_stop, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(mistakes_are_told, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(keys_clients_and_figures, make_dir, remove_dir),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
