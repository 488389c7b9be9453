/* smtp_sink PORT: the next hop of the relay measurements. Takes everything, keeps nothing; for each line on standard input it says how many
 * messages and recipients it has had, and how long ago the last one came: "MESSAGES RECIPIENTS SECONDS". */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "smtp/server.h"
#include "smtp/sink.h"

static _Atomic uint64_t messages, recipients;
static _Atomic int64_t last_ms;

static void deliver(void *arg, const struct sink_mail *m)
{
	(void)arg;
	atomic_fetch_add(&recipients, m->to_count);
	atomic_fetch_add(&messages, 1);
	atomic_store(&last_ms, clock_mono(&clock_system));
}

static int stop(const struct err *err)
{
	fprintf(stderr, "smtp_sink: %s\n", err->text);
	return 1;
}

int main(int argc, char **argv)
{
	static char hostname[] = "sink.test";
	char listen[64], line[16];
	const char *listens[] = {listen};
	struct err err = {0};
	struct sink *sink;
	struct smtp_server *server;
	if (argc != 2)
		return 2;
	snprintf(listen, sizeof listen, "127.0.0.1:%s", argv[1]);
	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_WARNING);
	const struct smtp_settings s = {.hostname = hostname, .workers = 2, .max_connections = 2000, .max_connections_per_ip = 2000,
	    .max_errors = 1000, .max_commands = 100000000, .idle_timeout_ms = 300000, .data_timeout_ms = 180000};
	const struct sink_settings k = {.max_message_bytes = 64u << 20, .deliver = deliver};
	if (sink_new(&sink, &k, &clock_system, &err) < 0 ||
	    smtp_server_start(&server, &s, listens, 1, NULL, 0, NULL, &sink_verbs, sink, &clock_system, &err) < 0)
		return stop(&err);
	puts("listening");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		printf("%llu %llu %.3f\n", (unsigned long long)messages, (unsigned long long)recipients,
		    (double)(clock_mono(&clock_system) - last_ms) / 1000);
		fflush(stdout);
	}
	smtp_server_stop(&server);
	sink_free(&sink);
	return 0;
}
