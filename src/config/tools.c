/* Tools that are told of opt-outs. */
#include <stdlib.h>

#include "base/file.h"
#include "load.h"
#include "mail/tool_link.h"
#include "table.h"

#define SEGMENT_BYTES (1u << 20)
#define CALL_BYTES    2048 /* of one that waits, with its states */

int check_link_host(struct view text, struct err *err)
{
	return tool_link_pattern_check(text, err);
}

void make_tool_links_plain(struct config *c, const struct raw_tool_links *r)
{
	c->callout_dir = path_below(c->data_dir, "callouts");
	c->callout_queue = (struct spool_settings){.dir = c->callout_dir,
	    .segment_bytes = SEGMENT_BYTES,
	    .max_items = (uint64_t)r->max_items,
	    .max_bytes = (uint64_t)r->max_items * CALL_BYTES + 4 * SEGMENT_BYTES};
}

int make_tool_links(struct config *c, const struct raw *raw, struct err *err)
{
	const struct raw_tool_links *r = &raw->tool_links;
	struct callout_settings *s = mem_zero(sizeof *s);
	shared_begin(&s->shared, callout_settings_free);
	c->callout = s;
	s->hosts = copy_texts(&r->hosts, &s->host_count);
	s->private_hosts = copy_texts(&r->private_hosts, &s->private_host_count);
	s->ca_file = path_dup(c, &r->ca_file);
	s->wait_ms = r->wait_ms;
	s->retry_first_ms = r->retry_first_ms;
	s->retry_max_ms = r->retry_max_ms;
	s->give_up_ms = r->give_up_ms;
	s->timeout_ms = r->timeout_ms;
	return r->hosts.count ? dir_make(c->callout_dir, 0700, err) : 0;
}
