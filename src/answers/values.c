#include "answers/answers.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/codec.h"

json_t *json_time(int64_t ms)
{
	char text[TIME_TEXT];
	if (!ms)
		return json_null();
	time_text(ms, text);
	return json_string(text);
}

json_t *json_view(struct view v)
{
	json_t *j = json_stringn(v.p ? v.p : "", v.n);
	if (j)
		return j;
	char *copy = view_dup(v);
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)copy[i] >= 0x80)
			copy[i] = '?';
	j = json_stringn(copy, v.n);
	free(copy);
	return j;
}

json_t *json_text(const char *s)
{
	return json_view(view_of(s));
}

json_t *hex_json(const void *bytes, size_t n)
{
	struct buf b;
	buf_init(&b, 2 * n + 1);
	hex_encode(&b, view_n(bytes, n));
	json_t *j = json_stringn(b.p, b.n);
	buf_free(&b);
	return j;
}
