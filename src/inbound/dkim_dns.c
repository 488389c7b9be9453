/* The one door to the resolver: TXT records, from the system's resolvers or from one that the settings name. */
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>

#include "inbound/dkim_verify.h"

#define ANSWER_MAX 8192

/* "127.0.0.1:5353" */
static bool use_server(struct __res_state *state, const char *server)
{
	char host[64];
	struct view v = view_of(server);
	uint64_t port = 53;
	size_t colon = view_find(v, 0, ':');
	if (!view_str(view_sub(v, 0, colon), host, sizeof host))
		return false;
	if (colon < v.n && !view_u64(view_sub(v, colon + 1, v.n), 65535, &port))
		return false;
	state->nscount = 1;
	state->nsaddr_list[0] = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	return inet_pton(AF_INET, host, &state->nsaddr_list[0].sin_addr) == 1;
}

static bool take_record(ns_msg *m, int i, struct buf *out)
{
	ns_rr rr;
	if (ns_parserr(m, ns_s_an, i, &rr) < 0 || ns_rr_type(rr) != ns_t_txt)
		return false;
	const unsigned char *p = ns_rr_rdata(rr), *end = p + ns_rr_rdlen(rr);
	while (p < end && p + 1 + *p <= end) {
		buf_add(out, view_n(p + 1, *p));
		p += 1 + *p;
	}
	return true;
}

static int read_answer(const unsigned char *answer, int n, const char *name, struct buf *out, struct err *err)
{
	ns_msg m;
	if (ns_initparse(answer, n, &m) < 0)
		return err_set(err, ERR_UNAVAILABLE, "DKIM: %s: the answer can't be read", name);
	for (int i = 0; i < ns_msg_count(m, ns_s_an); i++)
		if (take_record(&m, i, out))
			return out->failed ? err_set(err, ERR_LIMIT, "DKIM: %s: record too long", name) : 0;
	return err_set(err, ERR_MISSING, "DKIM: %s: no record", name);
}

int dkim_lookup_dns(void *arg, const char *name, struct buf *out, struct err *err)
{
	const struct dkim_resolver *r = arg;
	struct __res_state state = {0};
	unsigned char answer[ANSWER_MAX];
	if (res_ninit(&state) < 0)
		return err_set(err, ERR_UNAVAILABLE, "DKIM: no resolver");
	state.retrans = r->timeout_s;
	state.retry = 2;
	if (r->server && !use_server(&state, r->server)) {
		res_nclose(&state);
		return err_set(err, ERR_UNAVAILABLE, "DKIM: %s is no resolver", r->server);
	}
	int n = res_nquery(&state, name, ns_c_in, ns_t_txt, answer, sizeof answer);
	int why = state.res_h_errno;
	res_nclose(&state);
	if (n < 0)
		return err_set(err, why == HOST_NOT_FOUND || why == NO_DATA ? ERR_MISSING : ERR_UNAVAILABLE,
		    "DKIM: %s: not found", name);
	return read_answer(answer, n < ANSWER_MAX ? n : ANSWER_MAX, name, out, err);
}
