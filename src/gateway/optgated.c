/* optgated: the daemon. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "gateway/gateway.h"

static const char usage[] = "usage: optgated [-c FILE] [-t] [--only PART]\n"
                            "  -c, --config FILE  settings (default /etc/optgate/optgate.conf)\n"
                            "  -t, --test         check the settings and exit\n"
                            "      --only PART    relay: no public listener; web: nothing but the public listener\n"
                            "  -h, --help         this\n"
                            "SIGHUP reloads the settings, SIGTERM drains and stops. See optgated(8).\n";

static int test_config(const char *file)
{
	struct config *c;
	struct err err;
	if (config_load(&c, file, true, &err) < 0) {
		fprintf(stderr, "optgated: %s\n", err.text);
		return 1;
	}
	config_free(&c);
	printf("%s: ok\n", file);
	return 0;
}

static bool part_of(const char *word, enum gateway_part *ret)
{
	static const struct {
		const char *word;
		enum gateway_part part;
	} rows[] = {{"relay", GATEWAY_RELAY}, {"web", GATEWAY_WEB}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(word, rows[i].word) == 0) {
			*ret = rows[i].part;
			return true;
		}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
	    {"config", required_argument, NULL, 'c'}, {"test", no_argument, NULL, 't'}, {"only", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
	const char *file = "/etc/optgate/optgate.conf";
	enum gateway_part part = GATEWAY_ALL;
	bool test = false;
	for (int o; (o = getopt_long(argc, argv, "c:th", longs, NULL)) != -1;) {
		if (o == 'c')
			file = optarg;
		else if (o == 't')
			test = true;
		else if (o != 'o' || !part_of(optarg, &part)) {
			fputs(usage, o == 'h' ? stdout : stderr);
			return o == 'h' ? 0 : 2;
		}
	}
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (test)
		return test_config(file);
	struct err err = {0};
	if (gateway_run(file, part, &err) < 0) {
		fprintf(stderr, "<3>optgated: %s\n", err.text);
		return 1;
	}
	return 0;
}
