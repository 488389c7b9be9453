/* libcurl behind a door. What it is not to do is said here: no other scheme than https, no redirect, no proxy from the environment, no
 * address that isn't public. That last one is asked of the very address that a socket is made for, so that no name can mean one thing when it
 * is looked up and another when it is connected to. */
#include "http_out.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/endpoint.h"

#define ANSWER_MAX 65536 /* bytes of a body, which nobody reads */
#define CONNECTIONS 4    /* kept open */
#define AGENT "optgate"

struct http_out {
	CURL *curl;
	const _Atomic bool *stop;
	bool anywhere, refused;
	size_t read;
};

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_out *h = arg;
	struct endpoint e = {.sa_len = a->addrlen};
	(void)purpose;
	if (a->addrlen > sizeof e.sa)
		return CURL_SOCKET_BAD;
	memcpy(&e.sa, &a->addr, a->addrlen);
	if (!h->anywhere && !endpoint_is_public(&e)) {
		h->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* Says "too much" by taking less than was given. */
static size_t swallow(char *p, size_t size, size_t n, void *arg)
{
	struct http_out *h = arg;
	(void)p;
	h->read += size * n;
	return h->read > ANSWER_MAX ? 0 : size * n;
}

static int breaks_off(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct http_out *h = arg;
	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(h->stop);
}

struct http_out *http_out_new(const _Atomic bool *stop)
{
	struct http_out *h = mem_zero(sizeof *h);
	h->stop = stop;
	h->curl = curl_easy_init();
	ALWAYS(h->curl); /* no memory */
	return h;
}

void http_out_free(struct http_out **hh)
{
	if (!*hh)
		return;
	curl_easy_cleanup((*hh)->curl);
	free(*hh);
	*hh = NULL;
}

static void set_limits(struct http_out *h, const struct http_out_post *p)
{
	CURL *c = h->curl;
	curl_easy_reset(c); /* keeps connections */
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_MAXCONNECTS, (long)CONNECTIONS);
	curl_easy_setopt(c, CURLOPT_FORBID_REUSE, (long)p->anywhere); /* the settings may say otherwise next time */
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)p->timeout_ms);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)p->timeout_ms);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, h);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, swallow);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, breaks_off);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	if (p->ca_file) {
		curl_easy_setopt(c, CURLOPT_CAINFO, p->ca_file);
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
	}
}

static struct curl_slist *set_request(struct http_out *h, const struct http_out_post *p)
{
	char type[120];
	snprintf(type, sizeof type, "Content-Type: %s", p->content_type);
	struct curl_slist *fields = curl_slist_append(curl_slist_append(NULL, type), "Expect:");
	ALWAYS(fields);
	curl_easy_setopt(h->curl, CURLOPT_URL, p->url);
	curl_easy_setopt(h->curl, CURLOPT_USERAGENT, AGENT);
	curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE, (long)p->body.n);
	curl_easy_setopt(h->curl, CURLOPT_COPYPOSTFIELDS, p->body.p);
	curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, fields);
	return fields;
}

static void explain(const struct http_out *h, CURLcode rc, const char *detail, char why[HTTP_OUT_WHY])
{
	const char *text = h->refused ? "its address is not one of the internet" : *detail ? detail : curl_easy_strerror(rc);
	size_t n = 0;
	for (; n < HTTP_OUT_WHY - 1 && text[n]; n++)
		why[n] = text[n] >= ' ' && text[n] < 0x7f && text[n] != '"' ? text[n] : '\'';
	why[n] = 0;
}

int http_out_post(struct http_out *h, const struct http_out_post *p, char why[HTTP_OUT_WHY])
{
	char detail[CURL_ERROR_SIZE] = "";
	long status = 0;
	h->anywhere = p->anywhere;
	h->refused = false;
	h->read = 0;
	set_limits(h, p);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, detail);
	struct curl_slist *fields = set_request(h, p);
	CURLcode rc = curl_easy_perform(h->curl);
	curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(fields);
	curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, NULL);
	why[0] = 0;
	/* A long answer is one, too. */
	if (rc == CURLE_OK || (rc == CURLE_WRITE_ERROR && h->read > ANSWER_MAX))
		return (int)status;
	explain(h, rc, detail, why);
	return 0;
}
