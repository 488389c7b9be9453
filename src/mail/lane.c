#include "mail/lane.h"

void mail_lane_write(const struct mail_lane *l, struct buf *out)
{
	buf_add(out, l->stream);
	buf_byte(out, '@');
	buf_add(out, l->domain);
	if (l->client.n || l->campaign.n) {
		buf_byte(out, ' ');
		buf_add(out, l->client);
	}
	if (l->campaign.n) {
		buf_byte(out, ' ');
		buf_add(out, l->campaign);
	}
}

void mail_lane_read(struct view name, struct mail_lane *ret)
{
	*ret = (struct mail_lane){0};
	view_cut(&name, '@', &ret->stream);
	view_cut(&name, ' ', &ret->domain);
	view_cut(&name, ' ', &ret->client);
	ret->campaign = name;
}
