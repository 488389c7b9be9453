#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

#define BACKLOG 16

static int address(const char *path, struct sockaddr_un *sa, struct err *err)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!view_str(view_of(path), sa->sun_path, sizeof sa->sun_path))
		return err_set(err, ERR_LIMIT, "%s: longer than the %zu bytes that a socket's path may have", path,
		    sizeof sa->sun_path - 1);
	return 0;
}

int unix_connect(const char *path, int *ret_fd, struct err *err)
{
	struct sockaddr_un sa;
	if (address(path, &sa, err) < 0)
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	if (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		err_sys(err, "%s", path);
		if (err && (errno == ENOENT || errno == ECONNREFUSED))
			err->kind = ERR_MISSING;
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

/* A socket file that nobody answers at is what a crash leaves: it goes. */
static int clear_path(const char *path, struct err *err)
{
	struct stat st;
	struct err why;
	int fd;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_CONFLICT, "%s: is there and is no socket", path);
	if (unix_connect(path, &fd, &why) == 0) {
		close(fd);
		return err_set(err, ERR_CONFLICT, "%s: another daemon answers there", path);
	}
	if (why.kind != ERR_MISSING) {
		if (err)
			*err = why;
		return -1;
	}
	return unlink(path) < 0 ? err_sys(err, "%s", path) : 0;
}

/* The mode is set between bind and listen: before listen nobody can connect. */
int unix_listen(const char *path, int *ret_fd, struct err *err)
{
	struct sockaddr_un sa;
	if (address(path, &sa, err) < 0 || clear_path(path, err) < 0)
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 || chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0) {
		err_sys(err, "%s", path);
		close(fd);
		return -1;
	}
	*ret_fd = fd;
	return 0;
}

static int wait_for(int fd, short events, int64_t deadline_ms, struct err *err)
{
	for (;;) {
		int64_t left = deadline_ms - clock_mono(&clock_system);
		if (left <= 0)
			return err_set(err, ERR_UNAVAILABLE, "no answer in time");
		struct pollfd p = {.fd = fd, .events = events};
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(err, "poll");
	}
}

int line_read(int fd, struct buf *line, int64_t timeout_ms, struct err *err)
{
	int64_t deadline = clock_mono(&clock_system) + timeout_ms;
	for (;;) {
		char chunk[16384];
		if (wait_for(fd, POLLIN, deadline, err) < 0)
			return -1;
		ssize_t n = recv(fd, chunk, sizeof chunk, 0);
		if (n == 0)
			return err_set(err, ERR_MISSING, "the other side closed the connection");
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_sys(err, "recv");
		size_t end = view_find(view_n(chunk, (size_t)n), 0, '\n');
		buf_add(line, view_n(chunk, end));
		if (line->failed)
			return err_set(err, ERR_LIMIT, "a line of more than %zu bytes", line->max);
		if (end < (size_t)n)
			return 0;
	}
}

int line_write(int fd, struct view bytes, int64_t timeout_ms, struct err *err)
{
	int64_t deadline = clock_mono(&clock_system) + timeout_ms;
	while (bytes.n) {
		if (wait_for(fd, POLLOUT, deadline, err) < 0)
			return -1;
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return err_sys(err, "send");
		bytes = view_sub(bytes, (size_t)n, bytes.n);
	}
	return 0;
}
