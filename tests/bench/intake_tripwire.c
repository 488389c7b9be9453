/* What the tripwire costs a message of class service, by its size and its number of links. */
#include <stdio.h>

#include "base/clock.h"
#include "intake/tripwire.h"

static void measure(const char *what, struct view message, unsigned rounds)
{
	struct arena a;
	struct head h;
	uint32_t signals = 0;
	arena_init(&a, 8 << 20);
	int64_t t = clock_mono(&clock_system);
	for (unsigned i = 0; i < rounds; i++) {
		arena_reset(&a);
		if (head_parse(&a, message, &h, NULL) < 0)
			return;
		signals |= tripwire_signals(&a, message, &h) | (body_hash(h.body, V("acme/receipts")) == 0);
	}
	t = clock_mono(&clock_system) - t;
	printf("%-28s %8zu bytes %9.1f us  signals %x\n", what, message.n, (double)t * 1000 / rounds, signals);
	arena_free(&a);
}

static void message_of(struct buf *b, unsigned lines, const char *line)
{
	buf_clear(b);
	buf_str(b, "From: a@acme.test\r\nSubject: x\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n");
	for (unsigned i = 0; i < lines; i++)
		buf_str(b, line);
}

int main(void)
{
	struct buf b;
	buf_init(&b, 32 << 20);
	message_of(&b, 30, "Your order 17 of Monday is on its way to you, and will be there soon.\r\n");
	measure("receipt", buf_view(&b), 2000);
	message_of(&b, 600, "<a href=3D\"https://acme.test/orders/17?x=3D1\">Look at your order here</a>\r\n");
	measure("many links", buf_view(&b), 200);
	message_of(&b, 100000, "<a href=3D\"https://acme.test/orders/17?x=3D1\">Look at your order here</a>\r\n");
	measure("more than is looked at", buf_view(&b), 5);
	message_of(&b, 100000, "The subscription of which we spoke was long.                      ...\r\n");
	measure("words without links", buf_view(&b), 5);
	buf_free(&b);
	return 0;
}
