/* The pure parsers of the smtp room: lines, parameters, xtext, chunks, rules of the sink. */
#include <stdint.h>

#include "../../src/smtp/chunk.h"
#include "../../src/smtp/line.h"
#include "../../src/smtp/param.h"
#include "base/mem.h"
#include "smtp/sink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lines(struct view in)
{
	struct view line, verb, args;
	size_t eaten;
	while (in.n && line_take(in, &line, &eaten) == LINE_GOOD) {
		ALWAYS(eaten == line.n + 2 && view_find(line, 0, '\r') == line.n && view_find(line, 0, '\n') == line.n);
		if (command_split(line, &verb, &args))
			ALWAYS(verb.n + args.n <= line.n);
		in = view_sub(in, eaten, in.n);
	}
}

static void params(struct view in)
{
	struct mail_params m;
	struct rcpt_params r;
	struct reply reply;
	if (mail_params_parse(in, &m, &reply))
		for (size_t i = 0; i < m.envid_n; i++)
			ALWAYS(m.envid[i] >= 0x20 && m.envid[i] < 0x7f);
	if (rcpt_params_parse(in, &r, &reply))
		ALWAYS(r.orcpt.n <= ORCPT_MAX && view_find(r.orcpt, 0, '\r') == r.orcpt.n);
}

/* A slow second opinion. */
static void chunks(struct view in, size_t cut)
{
	struct chunk c = {0};
	bool bare = in.n && in.p[in.n - 1] == '\r';
	for (size_t i = 0; i < in.n; i++)
		if ((in.p[i] == '\n' && (i == 0 || in.p[i - 1] != '\r')) || (in.p[i] == '\r' && i + 1 < in.n && in.p[i + 1] != '\n'))
			bare = true;
	chunk_check(&c, view_sub(in, 0, cut));
	chunk_check(&c, view_sub(in, cut, in.n));
	ALWAYS((c.bare || c.cr) == bare);
	ALWAYS(c.nul == (view_find(in, 0, 0) < in.n));
	nul_hides_dot(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = view_n(data, size);
	struct sink_rule rule;
	struct err err;
	char text[256];
	bool after_cr = false;
	size_t eaten;
	lines(in);
	line_skip(in, &after_cr, &eaten);
	params(in);
	chunks(in, size ? data[0] % size : 0);
	if (view_str(in, text, sizeof text) && sink_rule_parse(text, &rule, &err) == 0)
		ALWAYS(rule.reply.code == 0 || rule.reply.code >= 400 || rule.reply.code < 0);
	return 0;
}
