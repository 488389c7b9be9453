/* A whole dialogue through the session, in one piece and cut as the first bytes say: replies and messages must be the same. */
#include <stddef.h>
#include <stdint.h>

#include "../unit/smtp_dialog.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sink *sink;
static struct buf received;

/* Where the answer depends on when input comes, by design. */
static bool depends_on_time(const struct buf *replies)
{
	return view_ifind(buf_view(replies), V("behind DATA")) < replies->n || view_ifind(buf_view(replies), V("220 2.0.0")) < replies->n;
}

static bool moved(struct session *s, const struct endpoint *real)
{
	struct dialog *d = (struct dialog *)(void *)((char *)s - offsetof(struct dialog, session));
	d->peer = *real;
	return true;
}

static void run(struct dialog *d, unsigned how, struct view in, size_t step)
{
	size_t at = 0;
	buf_clear(&received);
	dialog_open_on(d, sink);
	d->session.tls_offered = how & 1;
	d->session.moved = moved;
	d->session.is_front = how & 2;
	for (size_t to = step < in.n ? step : in.n;; to = to + step < in.n ? to + step : in.n) {
		at = to - dialog_feed(d, view_sub(in, at, to));
		if (to == in.n)
			break;
	}
	ALWAYS(!d->replies.failed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dialog whole, cut;
	struct buf first;
	if (size < 1)
		return 0;
	if (!sink) {
		log_set_level(LOG_LEVEL_ERROR);
		buf_init(&received, DIALOG_OUT_MAX);
		sink = dialog_sink(NULL, 0, &received);
	}
	struct view in = view_n(data + 1, size - 1);
	buf_init(&first, DIALOG_OUT_MAX);
	run(&whole, data[0], in, size);
	buf_add(&first, buf_view(&received));
	run(&cut, data[0], in, 1 + data[0] / 4);
	if (!depends_on_time(&whole.replies) && !depends_on_time(&cut.replies)) {
		ALWAYS(view_eq(buf_view(&whole.replies), buf_view(&cut.replies)));
		ALWAYS(view_eq(buf_view(&first), buf_view(&received)));
	}
	dialog_close_on(&whole);
	dialog_close_on(&cut);
	buf_free(&first);
	return 0;
}
