/* libesmtp fills a static table at its first EHLO reply, without a lock. So the first session of the process is held
 * alone, with a socket that has all its replies in it already. */
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "session.h"

static bool one_mail(void *arg, unsigned slot, bool wait, struct session_mail *mail)
{
	(void)slot;
	(void)wait;
	int *count = arg;
	*mail = (struct session_mail){.return_path = "", .recipient = "warm-up@localhost"};
	return (*count)++ == 0;
}

static bool never_goes(void *arg, unsigned slot)
{
	(void)arg;
	(void)slot;
	return false;
}

static void no_result(void *arg, unsigned slot, const struct session_result *r)
{
	(void)arg;
	(void)slot;
	(void)r;
}

static void talk(int fd)
{
	static const struct session_calls calls = {one_mail, never_goes, no_result};
	struct wire wire;
	int count = 0;
	wire_init(&wire);
	struct session_plan plan = {.hostname = "localhost", .attempt_timeout_ms = 1000, .clock = &clock_system,
	    .wire = &wire, .given_fd = fd};
	session_run(&plan, &calls, &count);
	wire_free(&wire);
}

static void warm_up(void)
{
	static const char replies[] = "220 x\r\n250-x\r\n250 PIPELINING\r\n550 no\r\n221 bye\r\n";
	int sv[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return;
	if (write(sv[1], replies, sizeof replies - 1) == (ssize_t)sizeof replies - 1)
		talk(sv[0]);
	else
		close(sv[0]);
	close(sv[1]);
}

void session_library_start(void)
{
	signal(SIGPIPE, SIG_IGN); /* libesmtp writes with write(2) */
	/* It looks for client certificates below these, and takes any error but "not there" for a failure of TLS. */
	setenv("HOME", "/nonexistent", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_CONFIG_DIRS");
	session_library_init();
	warm_up();
}
