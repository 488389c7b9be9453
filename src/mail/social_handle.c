/* Names on social networks. */
#include "mail/social_handle.h"

#include <stdio.h>

static const struct network {
	struct view name, alias, host, path; /* HOST/PATH comes before the handle */
} networks[] = {
	{V("x"), V("twitter"), V("x.com"), V("")},
	{V("x"), V("twitter"), V("twitter.com"), V("")},
	{V("facebook"), V("fb"), V("facebook.com"), V("")},
	{V("instagram"), V("ig"), V("instagram.com"), V("")},
	{V("linkedin"), V("li"), V("linkedin.com"), V("in/")},
	{V("tiktok"), V("tt"), V("tiktok.com"), V("")},
	{V("youtube"), V("yt"), V("youtube.com"), V("")},
	{V("threads"), V(""), V("threads.net"), V("")},
	{V("bluesky"), V("bsky"), V("bsky.app"), V("profile/")},
};
#define NETWORKS (sizeof networks / sizeof *networks)

static int wrong(struct err *err)
{
	return err_set(err, ERR_SYNTAX, "expected a name on a social network, such as x:ann or instagram:ann.lee");
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || ascii_is_digit(c);
}

/* The address of a profile: NULL for any other page. */
static const struct network *profile_of(struct view url, struct view *ret_handle)
{
	static const struct view before[] = {V("https://"), V("http://"), V("www."), V("m.")};
	for (size_t i = 0; i < sizeof before / sizeof *before; i++)
		if (view_istarts(url, before[i]))
			url = view_sub(url, before[i].n, url.n);
	for (size_t i = 0; i < NETWORKS; i++) {
		struct view rest = url, host;
		if (!view_cut(&rest, '/', &host) || !view_ieq(host, networks[i].host) || !view_istarts(rest, networks[i].path))
			continue;
		rest = view_sub(rest, networks[i].path.n, rest.n);
		*ret_handle = view_sub(rest, 0, view_find(rest, 0, '?'));
		return &networks[i];
	}
	return NULL;
}

static struct view network_of(struct view word)
{
	for (size_t i = 0; i < NETWORKS; i++)
		if (view_ieq(word, networks[i].name) || (networks[i].alias.n && view_ieq(word, networks[i].alias)))
			return networks[i].name;
	return word;
}

/* Letters, digits and . _ -; one "@" with something on either side. */
static bool put_handle(struct view v, char *dst, size_t *ret_n)
{
	size_t n = 0;
	bool server = false;
	for (size_t i = 0; i < v.n; i++) {
		char c = lower(v.p[i]);
		bool at = c == '@' && !server && i && i + 1 < v.n;
		if ((!is_name(c) && c != '.' && c != '_' && c != '-' && !at) || n == SOCIAL_HANDLE_MAX)
			return false;
		server |= at;
		dst[n++] = c;
	}
	*ret_n = n;
	return n > 0;
}

int social_handle_parse(struct view text, char dst[SOCIAL_TEXT], struct err *err)
{
	char out[SOCIAL_TEXT];
	struct view handle, word, v = view_trim(text);
	size_t n = 0, handle_n;
	const struct network *known = profile_of(v, &handle);
	if (known) {
		word = known->name;
		if (view_ends(handle, V("/")))
			handle.n--;
	} else {
		handle = v;
		if (view_find(v, 0, ':') == v.n || !view_cut(&handle, ':', &word))
			return wrong(err);
		word = network_of(word);
		handle = view_trim(handle);
	}
	if (view_starts(handle, V("@")))
		handle = view_sub(handle, 1, handle.n);
	if (word.n == 0 || word.n > SOCIAL_NETWORK_MAX)
		return wrong(err);
	for (; n < word.n; n++) {
		out[n] = lower(word.p[n]);
		if (!is_name(out[n]))
			return wrong(err);
	}
	out[n++] = ':';
	if (!put_handle(handle, out + n, &handle_n))
		return wrong(err);
	out[n + handle_n] = 0;
	memcpy(dst, out, n + handle_n + 1);
	return 0;
}
