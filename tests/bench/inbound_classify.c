/* Reports a second on one core, beside a plain parse of the same messages by Python's email package in the same run.
 *
 *   build/bench/inbound_classify FILE...      (../shared/corpus/bounce/sisimai/x.eml ...) */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "inbound/classify.h"

#define ROUNDS 20

static double seconds(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char python[] =
    "import sys,time,email\n"
    "bodies=[open(f,'rb').read() for f in sys.argv[1:]]\n"
    "t=time.process_time()\n"
    "for r in range(4):\n"
    "  for b in bodies:\n"
    "    m=email.message_from_bytes(b)\n"
    "    for p in m.walk(): p.get_payload(decode=True)\n"
    "t=time.process_time()-t\n"
    "print('python email parse   %8.0f messages/s a core' % (4*len(bodies)/t))\n";

int main(int argc, char **argv)
{
	struct bounce_rules *rules;
	struct err err;
	struct arena a;
	struct rusage use;
	struct buf *files = mem_zero((size_t)argc * sizeof *files);
	size_t bytes = 0;
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		buf_init(&files[i], REPORT_MAX_BYTES);
		if (file_read(argv[i], &files[i], &err) < 0) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		bytes += files[i].n;
	}
	ALWAYS(bounce_rules_new(&rules, V(""), "own", (struct view){0}, "bounce.rules", &err) == 0);
	arena_init(&a, REPORT_ARENA_BYTES);
	double before = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 1; i < argc; i++) {
			struct report r;
			arena_reset(&a);
			ALWAYS(report_classify(rules, &a, buf_view(&files[i]), &r, &err) == 0);
		}
	double took = seconds(CLOCK_PROCESS_CPUTIME_ID) - before;
	getrusage(RUSAGE_SELF, &use);
	printf("%d messages, %zu bytes each on average\n", argc - 1, bytes / (size_t)(argc - 1));
	printf("optgate, understood  %8.0f messages/s a core, %ld KiB resident at most\n", ROUNDS * (argc - 1) / took, use.ru_maxrss);
	fflush(stdout);
	char **args = mem_zero((size_t)(argc + 3) * sizeof *args);
	args[0] = mem_strdup("python3");
	args[1] = mem_strdup("-c");
	args[2] = mem_strdup(python);
	for (int i = 1; i < argc; i++)
		args[i + 2] = argv[i];
	return execvp(args[0], args);
}
