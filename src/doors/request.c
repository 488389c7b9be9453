#include "request.h"

#define SLOT(member) offsetof(struct policy_request, member)

static const struct {
	const char *name;
	size_t slot;
} attributes[] = {
    {"request", SLOT(request)},
    {"protocol_state", SLOT(state)},
    {"client_address", SLOT(client_address)},
    {"client_port", SLOT(client_port)},
    {"sender", SLOT(sender)},
    {"recipient", SLOT(recipient)},
    {"sasl_username", SLOT(user)},
    {"queue_id", SLOT(queue_id)},
};

/* Twice the same name would mean two things to two readers. */
static bool take_attribute(struct view line, struct policy_request *r)
{
	struct view name;
	size_t equals = view_find(line, 0, '=');
	if (equals == 0 || equals == line.n || view_find(line, 0, 0) < line.n)
		return false;
	name = view_sub(line, 0, equals);
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
		struct view *slot = (struct view *)(void *)((char *)r + attributes[i].slot);
		if (!view_eq(name, view_of(attributes[i].name)))
			continue;
		if (slot->p)
			return false;
		*slot = view_sub(line, equals + 1, line.n);
	}
	return true;
}

enum policy_kind policy_take(struct view in, struct policy_request *ret, size_t *ret_eaten)
{
	struct policy_request r = {0};
	size_t at = 0;
	struct view seen = view_sub(in, 0, POLICY_REQUEST_MAX);
	while (at < seen.n) {
		size_t end = view_find(seen, at, '\n');
		if (end == seen.n)
			break;
		struct view line = view_sub(seen, at, end);
		at = end + 1;
		if (line.n && !take_attribute(line, &r))
			return POLICY_BAD;
		if (line.n)
			continue;
		*ret_eaten = at;
		*ret = r;
		return r.request.n ? POLICY_GOOD : POLICY_BAD;
	}
	return seen.n == POLICY_REQUEST_MAX ? POLICY_BAD : POLICY_MORE;
}
