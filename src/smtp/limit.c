#include "limit.h"

#include "base/counter.h"

#define LIMIT_COUNTER(id, label)                                                                                       \
	COUNTER(id, "optgate_smtp_limits_total{limit=\"" label "\"}", "Connections that a limit ended, with 421")

LIMIT_COUNTER(connections, "max_connections");
LIMIT_COUNTER(per_ip, "max_connections_per_ip");
LIMIT_COUNTER(fair_share, "fair_share");
LIMIT_COUNTER(proxy, "proxy_header");
LIMIT_COUNTER(errors, "max_errors");
LIMIT_COUNTER(commands, "max_commands");
LIMIT_COUNTER(auth_failures, "max_auth_failures");
LIMIT_COUNTER(idle, "idle_timeout");
LIMIT_COUNTER(data, "data_timeout");
LIMIT_COUNTER(data_rate, "min_data_rate");
LIMIT_COUNTER(session, "session_timeout");
LIMIT_COUNTER(drain, "drain");

static const struct {
	const char *name, *enhanced, *sentence;
	struct counter *counter;
} rows[] = {
    [LIMIT_NONE] = {"", "", "", NULL},
    [LIMIT_CONNECTIONS] = {"max_connections", "4.3.2", "Too many connections, try again later", &connections},
    [LIMIT_CONNECTIONS_PER_IP] = {"max_connections_per_ip", "4.7.0", "Too many connections from your address", &per_ip},
    [LIMIT_FAIR_SHARE] = {"fair_share", "4.7.0",
	"Nearly all connections are taken, and your address has its share of them", &fair_share},
    [LIMIT_PROXY] = {"proxy_header", "4.7.0", "A PROXY header is expected from your address", &proxy},
    [LIMIT_ERRORS] = {"max_errors", "4.7.0", "Too many refused commands", &errors},
    [LIMIT_COMMANDS] = {"max_commands", "4.7.0", "Too many commands without a message", &commands},
    [LIMIT_AUTH_FAILURES] = {"max_auth_failures", "4.7.0", "Too many failed logins", &auth_failures},
    [LIMIT_IDLE] = {"idle_timeout", "4.4.2", "No command for too long", &idle},
    [LIMIT_DATA] = {"data_timeout", "4.4.2", "No message data for too long", &data},
    [LIMIT_DATA_RATE] = {"min_data_rate", "4.4.2", "The message comes too slowly", &data_rate},
    [LIMIT_SESSION] = {"session_timeout", "4.4.2", "The connection has lasted too long", &session},
    [LIMIT_DRAIN] = {"drain", "4.3.2", "Service is shutting down, try again", &drain},
};

const char *limit_name(enum limit l)
{
	return rows[l].name;
}

void limit_answer(enum limit l, const char *hostname, struct buf *out)
{
	counter_add(rows[l].counter, 1);
	buf_fmt(out, "421 %s %s %s, closing\r\n", rows[l].enhanced, hostname, rows[l].sentence);
}
