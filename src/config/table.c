/* Every setting there is. The parser, `optgate config show`, conf/optgate.conf and optgate.conf(5) are made from these rows, so that
 * they cannot disagree. A new setting is a new row and a field in raw.h. */
#include "table.h"

#include <string.h>

#include "config/config.h"

static const struct choice log_levels[] = {{"error", CONFIG_LOG_ERROR}, {"warning", CONFIG_LOG_WARNING}, {"info", CONFIG_LOG_INFO}, {"debug", CONFIG_LOG_DEBUG}, {0}};
static const struct choice classes[] = {{"marketing", CLASS_MARKETING}, {"service", CLASS_SERVICE}, {"legal", CLASS_LEGAL}, {0}};
static const struct choice reasons[] = {{"objection", REASON_OBJECTION}, {"unsubscribe", REASON_UNSUBSCRIBE}, {"complaint", REASON_COMPLAINT},
	{"bounce", REASON_BOUNCE}, {"manual", REASON_MANUAL}, {"register", REASON_REGISTER}, {"legal", REASON_LEGAL}, {"erasure", REASON_ERASURE}, {0}};
static const struct choice scopes[] = {{"global", SCOPE_GLOBAL}, {"brand", SCOPE_BRAND}, {"stream", SCOPE_STREAM}, {"topic", SCOPE_TOPIC}, {0}};
static const struct choice bases[] = {{"consent", BASIS_CONSENT}, {"soft-opt-in", BASIS_SOFT_OPT_IN}, {"legitimate-interest", BASIS_LEGITIMATE_INTEREST},
	{"contract", BASIS_CONTRACT}, {"legal-obligation", BASIS_LEGAL_OBLIGATION}, {0}};
static const struct choice hop_tls[] = {{"none", HOP_TLS_NONE}, {"opportunistic", HOP_TLS_OPPORTUNISTIC}, {"required", HOP_TLS_REQUIRED}, {"verified", HOP_TLS_VERIFIED}, {0}};

static const struct choice proxy_listeners[] = {{"listen", 0}, {"tls_listen", 1}, {0}};
static const struct choice refusals[] = {{"refuse", REFUSAL_REFUSE}, {"drop", REFUSAL_DROP}, {"hold", REFUSAL_HOLD}, {0}};
static const struct choice tripwires[] = {{"off", TRIPWIRE_OFF}, {"report", TRIPWIRE_REPORT}, {"hold", TRIPWIRE_HOLD}, {"marketing", TRIPWIRE_MARKETING}, {0}};

static const struct choice evidence_parts[] = {{"how", EVIDENCE_HOW}, {"wording", EVIDENCE_WORDING}, {"stored-wording", EVIDENCE_STORED}, {"source", EVIDENCE_SOURCE},
	{"ip", EVIDENCE_IP}, {"agent", EVIDENCE_AGENT}, {0}};
static const struct choice roles[] = {{"refuse", false}, {"pass", true}, {0}};
static const struct choice typos[] = {{"pass", false}, {"refuse", true}, {0}};
static const struct choice unknown_clients[] = {{"defer", DOORS_DEFER}, {"refuse", DOORS_REFUSE}, {"pass", DOORS_PASS}, {0}};

static const struct choice providers[] = {{"ses", WEBHOOK_SES}, {"sendgrid", WEBHOOK_SENDGRID}, {"postmark", WEBHOOK_POSTMARK}, {"mailgun", WEBHOOK_MAILGUN},
	{"sparkpost", WEBHOOK_SPARKPOST}, {0}};

#define KiB 1024ll
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)
#define TiB (1024 * GiB)
#define SECOND 1000ll
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define AT(type, member)   .offset = offsetof(struct type, member)
#define IN(type)           .element = sizeof(struct type)
#define RANGE(low, high)   .lo = (low), .hi = (high)
#define REQUIRED           .flags = SETTING_REQUIRED
#define RESTART            .flags = SETTING_RESTART
#define UNIQUE_NAME        .flags = SETTING_REQUIRED | SETTING_UNIQUE, .check = check_name

const struct setting settings[] = {
	{"data_dir", KIND_TEXT, RESTART, AT(raw, data_dir), .check = check_path, .def = "/var/lib/optgate",
	    .help = "Holds the ledger, the spool, the keys and the passwords. One running daemon for one data directory. A path without / in front, here and below, is relative to this file's directory."},
	{"hostname", KIND_TEXT, RESTART, AT(raw, hostname), .check = check_domain,
	    .help = "The name used in greetings, EHLO, Received and Message-ID fields. Default: the system's host name."},
	{"log_level", KIND_CHOICE, AT(raw, log_level), .choices = log_levels, .def = "info",
	    .help = "The least important kind of event that is still logged."},
	{"drain", KIND_DURATION, AT(raw, drain_ms), RANGE(0, HOUR), .def = "30s",
	    .help = "How long connections and delivery attempts may go on after SIGTERM. Opt-outs are answered to the end."},

	{"submission", KIND_GROUP, .help = "The SMTP listener for marketing tools."},
	{"submission.listen", KIND_TEXTS, RESTART, AT(raw, submission.listen), .hi = 32, .check = check_endpoint, .def = "127.0.0.1:587",
	    .help = "Where clients connect: ADDRESS:PORT, [ADDRESS]:PORT, unix:PATH, or systemd:NAME for a socket that systemd passes."},
	{"submission.tls_listen", KIND_TEXTS, RESTART, AT(raw, submission.tls_listen), .hi = 32, .check = check_endpoint,
	    .help = "Listeners that speak TLS from the first byte, usually port 465."},
	{"submission.tls_certificate", KIND_TEXT, AT(raw, submission.tls_certificate), .check = check_path,
	    .help = "Certificate chain in PEM. With it, STARTTLS is offered. Read again on reload."},
	{"submission.tls_key", KIND_TEXT, AT(raw, submission.tls_key), .check = check_path, .help = "The certificate's private key in PEM."},
	{"submission.proxy_networks", KIND_TEXTS, RESTART, AT(raw, submission.proxy_networks), .hi = 1000, .check = check_network,
	    .help = "Load balancers. A connection from there must begin with a PROXY header (version 1 or 2), which says who the client is; without one in ten seconds it is closed with 421. From elsewhere such a header is refused."},
	{"submission.proxy_listeners", KIND_CHOICES, RESTART, AT(raw, submission.proxy_listeners), .choices = proxy_listeners,
	    .help = "The listeners for which proxy_networks holds: those of listen, those of tls_listen. Default: both."},
	{"submission.xclient_networks", KIND_TEXTS, RESTART, AT(raw, submission.xclient_networks), .hi = 1000, .check = check_network,
	    .help = "Front ends, such as an nginx mail proxy or a Postfix before optgate. They may say with XCLIENT who the client is (ADDR, and LOGIN: the client's name, taken without a password), and with XFORWARD what logs and Received fields are to say."},
	{"submission.workers", KIND_NUMBER, RESTART, AT(raw, submission.workers), RANGE(1, 256), .def = "2", .help = "Threads, each with an event loop of its own."},
	{"submission.max_connections", KIND_NUMBER, RESTART, AT(raw, submission.max_connections), RANGE(1, 1000000), .def = "5000",
	    .help = "Connections at once, in all. One more gets 421."},
	{"submission.max_connections_per_ip", KIND_NUMBER, RESTART, AT(raw, submission.max_connections_per_ip), RANGE(1, 1000000), .def = "500",
	    .help = "Connections at once from one address."},
	{"submission.max_errors", KIND_NUMBER, RESTART, AT(raw, submission.max_errors), RANGE(1, 1000000), .def = "50",
	    .help = "Wrong or refused commands of one connection before it is closed with 421. A suppressed recipient is not an error."},
	{"submission.max_commands", KIND_NUMBER, RESTART, AT(raw, submission.max_commands), RANGE(10, 1000000), .def = "1000",
	    .help = "Commands of one connection without a message kept, before it is closed with 421."},
	{"submission.idle_timeout", KIND_DURATION, RESTART, AT(raw, submission.idle_timeout_ms), RANGE(SECOND, HOUR), .def = "5m",
	    .help = "Silence between commands before the connection is closed (RFC 5321 4.5.3.2.7 asks for five minutes)."},
	{"submission.data_timeout", KIND_DURATION, RESTART, AT(raw, submission.data_timeout_ms), RANGE(SECOND, HOUR), .def = "3m",
	    .help = "Silence within DATA."},
	{"submission.min_data_rate", KIND_NUMBER, RESTART, AT(raw, submission.min_data_rate), RANGE(0, 1000000000), .def = "500",
	    .help = "Bytes a second that a message must come with on the average, once data_timeout has passed: a slow drip ends with 421. 0 = any rate will do."},
	{"submission.session_timeout", KIND_DURATION, RESTART, AT(raw, submission.session_timeout_ms), RANGE(0, 7 * DAY), .def = "0",
	    .help = "Longest life of a connection; 0 = no limit."},
	{"submission.max_message_size", KIND_SIZE, AT(raw, submission.max_message_bytes), RANGE(64 * KiB, GiB), .def = "25M",
	    .help = "Largest message, as SIZE announces it (RFC 1870)."},
	{"submission.max_recipients", KIND_NUMBER, AT(raw, submission.max_recipients), RANGE(1, 100000), .def = "1000",
	    .help = "Recipients of one transaction; RFC 5321 4.5.3.1.8 asks for 100 at least."},
	{"submission.max_received", KIND_NUMBER, AT(raw, submission.max_received), RANGE(5, 1000), .def = "50",
	    .help = "Received fields in a message before it is taken for a loop."},
	{"submission.memory", KIND_SIZE, AT(raw, submission.memory_bytes), RANGE(MiB, TiB), .def = "512M",
	    .help = "Memory for all messages being received at once. Beyond it MAIL is answered with 452."},

	{"doors", KIND_GROUP, .help = "For an MTA that keeps its own queue: the same verdicts as a Postfix policy service and as a milter. README.md says what each can do and what it can't."},
	{"doors.policy_listen", KIND_TEXTS, RESTART, AT(raw, doors.policy_listen), .hi = 16, .check = check_endpoint,
	    .help = "Where Postfix asks: check_policy_service inet:ADDRESS:PORT in smtpd_recipient_restrictions. As submission.listen; for a unix socket, systemd:NAME lets systemd set its permissions."},
	{"doors.milter_listen", KIND_TEXTS, RESTART, AT(raw, doors.milter_listen), .hi = 16, .check = check_endpoint,
	    .help = "Where the MTA finds the milter: smtpd_milters = inet:ADDRESS:PORT, with milter_default_action = tempfail."},
	{"doors.networks", KIND_TEXTS, RESTART, AT(raw, doors.networks), .hi = 1000, .check = check_network, .def = "127.0.0.0/8",
	    .help = "MTAs that may connect to either. Whoever may, can learn who opted out."},
	{"doors.client", KIND_TEXT, AT(raw, doors.client), .check = check_name,
	    .help = "Whose mail it is when neither the SMTP user (a client's name) nor the address that it came from (a client's networks) says so. Not given: nobody's."},
	{"doors.unknown_client", KIND_CHOICE, AT(raw, doors.unknown), .choices = unknown_clients, .def = "defer",
	    .help = "What becomes of nobody's mail. defer: 451, it is tried again later. refuse: 550. pass: it goes on untouched and unasked, for an MTA that other people's mail comes through as well."},
	{"doors.workers", KIND_NUMBER, RESTART, AT(raw, doors.workers), RANGE(1, 256), .def = "1", .help = "Threads that answer. One signs about a thousand messages a second."},
	{"doors.max_connections", KIND_NUMBER, RESTART, AT(raw, doors.max_connections), RANGE(1, 100000), .def = "1000", .help = "Connections of MTAs at once, in all. One more is closed, which an MTA takes for a temporary failure."},
	{"doors.idle_timeout", KIND_DURATION, RESTART, AT(raw, doors.idle_timeout_ms), RANGE(SECOND, DAY), .def = "1h", .help = "Silence of an MTA before its connection is closed. More than its own idle time, or mail is deferred for nothing."},

	{"public", KIND_GROUP, .help = "The HTTP listener for recipients: one-click opt-outs and the page behind the link. It speaks HTTPS by itself, or HTTP to a proxy before it."},
	{"public.listen", KIND_TEXT, RESTART, AT(raw, public.listen), .check = check_endpoint, .def = "127.0.0.1:8080", .help = "As submission.listen."},
	{"public.url", KIND_TEXT, AT(raw, public.url), .check = check_url, .sample = "https://u.example.com",
	    .help = "What the links in messages begin with, for brands that have no public_url of their own. RFC 8058 asks for https."},
	{"public.tls_certificate", KIND_TEXT, AT(raw, public.tls_certificate), .check = check_path,
	    .help = "Certificate chain in PEM. With it the listener speaks HTTPS (TLS 1.2 and 1.3). Read again on reload, without a connection lost; from HTTP to HTTPS or back takes a restart."},
	{"public.tls_key", KIND_TEXT, AT(raw, public.tls_key), .check = check_path, .help = "The certificate's private key in PEM."},
	{"public.trusted_proxies", KIND_TEXTS, AT(raw, public.trusted_proxies), .hi = 1000, .check = check_network,
	    .help = "Proxies whose X-Forwarded-For says who is asking: the rightmost address that is none of them. It counts for throttles, logs and evidence. A proxy that comes through a unix socket is always believed."},
	{"public.threads", KIND_NUMBER, RESTART, AT(raw, public.threads), RANGE(1, 256), .def = "2", .help = "Threads that answer."},
	{"public.max_connections", KIND_NUMBER, RESTART, AT(raw, public.max_connections), RANGE(1, 1000000), .def = "4000", .help = "Connections at once, in all."},
	{"public.max_connections_per_ip", KIND_NUMBER, RESTART, AT(raw, public.max_connections_per_ip), RANGE(0, 1000000), .def = "0",
	    .help = "Connections at once from one address; 0 = no limit, since behind a proxy all come from the proxy. Set it when there is none."},
	{"public.timeout", KIND_DURATION, RESTART, AT(raw, public.timeout_ms), RANGE(SECOND, HOUR), .def = "10s", .help = "For a whole request to arrive; also of an idle connection."},
	{"public.max_body", KIND_SIZE, RESTART, AT(raw, public.max_body_bytes), RANGE(KiB, MiB), .def = "8K", .help = "Largest body of a POST."},

	{"admin", KIND_GROUP, .help = "The HTTP listener for those who hold a key (optgate admin add): verdicts, opt-outs and suppressions as JSON, providers' webhooks, metrics. GET /v1/ lists what it answers. Keep it off the internet but for /hooks/."},
	{"admin.listen", KIND_TEXT, RESTART, AT(raw, admin.listen), .check = check_endpoint, .help = "As submission.listen, such as 127.0.0.1:8081. Not set: there is none."},
	{"admin.tls_certificate", KIND_TEXT, AT(raw, admin.tls_certificate), .check = check_path, .help = "As public.tls_certificate."},
	{"admin.tls_key", KIND_TEXT, AT(raw, admin.tls_key), .check = check_path, .help = "The certificate's private key in PEM."},
	{"admin.plain", KIND_FLAG, RESTART, AT(raw, admin.plain), .def = "false",
	    .help = "Whether keys may come without TLS from other machines, as from a proxy that ends TLS. Without this, a listener that has no certificate must be on 127.0.0.1, [::1] or a unix socket."},
	{"admin.threads", KIND_NUMBER, RESTART, AT(raw, admin.threads), RANGE(1, 256), .def = "2", .help = "Threads that answer."},
	{"admin.max_connections", KIND_NUMBER, RESTART, AT(raw, admin.max_connections), RANGE(1, 100000), .def = "64", .help = "Connections at once."},
	{"admin.timeout", KIND_DURATION, RESTART, AT(raw, admin.timeout_ms), RANGE(SECOND, HOUR), .def = "30s", .help = "For a whole request to arrive; also of an idle connection."},
	{"admin.max_body", KIND_SIZE, RESTART, AT(raw, admin.max_body_bytes), RANGE(KiB, 64 * MiB), .def = "4M", .help = "Largest body of a request."},

	{"tool_links", KIND_GROUP, .help = "Telling the tools: when a marketing message comes in with a one-click link of the tool's own (List-Unsubscribe and List-Unsubscribe-Post, RFC 8058), that link is called after an opt-out, so that the tool stops by itself. Nothing depends on it: what the tool goes on sending is blocked."},
	{"tool_links.hosts", KIND_TEXTS, AT(raw, tool_links.hosts), .hi = 1000, .check = check_link_host, .sample = "lists.example.com",
	    .help = "Hosts that may be called, over https only: NAME (port 443), NAME:PORT, or *.DOMAIN for all below it. Default: none. The first one takes a restart. A redirect is not followed, and an address that isn't a public one is not called."},
	{"tool_links.private_hosts", KIND_TEXTS, AT(raw, tool_links.private_hosts), .hi = 1000, .check = check_link_host,
	    .help = "Of hosts, those that may be at private or loopback addresses, such as a tool in your own network."},
	{"tool_links.ca_file", KIND_TEXT, AT(raw, tool_links.ca_file), .check = check_path, .help = "Certificates in PEM that are trusted in place of the system's."},
	{"tool_links.wait", KIND_DURATION, AT(raw, tool_links.wait_ms), RANGE(0, DAY), .def = "1h",
	    .help = "Before the call about an opt-out that was made on the page, since it can be undone there for an hour. If it was undone, nobody is called."},
	{"tool_links.retry_first", KIND_DURATION, AT(raw, tool_links.retry_first_ms), RANGE(100, DAY), .def = "5m", .help = "Delay after a call without a good answer: none, 408, 425, 429 or 5xx. It doubles with each further one and varies by a quarter. Any other answer is the last word."},
	{"tool_links.retry_max", KIND_DURATION, AT(raw, tool_links.retry_max_ms), RANGE(100, 7 * DAY), .def = "8h", .help = "The longest such delay."},
	{"tool_links.give_up", KIND_DURATION, AT(raw, tool_links.give_up_ms), RANGE(SECOND, 60 * DAY), .def = "5d", .help = "Age at which a call is given up."},
	{"tool_links.timeout", KIND_DURATION, AT(raw, tool_links.timeout_ms), RANGE(100, 5 * MINUTE), .def = "20s", .help = "Of one call."},
	{"tool_links.max_waiting", KIND_NUMBER, RESTART, AT(raw, tool_links.max_items), RANGE(100, 10000000), .def = "200000", .help = "Calls waiting at once, in callouts/ in the data directory. One more is not made."},

	{"ledger", KIND_GROUP, .help = "The store of suppressions and consents."},
	{"ledger.map_size", KIND_SIZE, RESTART, AT(raw, ledger.map_bytes), RANGE(MiB, 16 * TiB), .def = "256G",
	    .help = "Address space set aside for the ledger. It costs no memory and no disk."},
	{"ledger.max_readers", KIND_NUMBER, RESTART, AT(raw, ledger.max_readers), RANGE(16, 65536), .def = "1024", .help = "Readers at once, over all processes."},
	{"ledger.batch", KIND_NUMBER, RESTART, AT(raw, ledger.batch), RANGE(1, 65536), .def = "256", .help = "Most changes that share one commit."},

	{"spool", KIND_GROUP, .help = "The queue of accepted messages."},
	{"spool.segment_size", KIND_SIZE, RESTART, AT(raw, spool.segment_bytes), RANGE(MiB, 4 * GiB), .def = "64M", .help = "Size of one segment file."},
	{"spool.max_size", KIND_SIZE, RESTART, AT(raw, spool.max_bytes), RANGE(0, 64 * TiB), .def = "0", .help = "Size of all segments beyond which nothing is accepted (452); 0 = no limit but the disk."},
	{"spool.min_free", KIND_SIZE, RESTART, AT(raw, spool.min_free_bytes), RANGE(MiB, 64 * TiB), .def = "64M", .help = "Space that is left free on the file system."},
	{"spool.max_items", KIND_NUMBER, RESTART, AT(raw, spool.max_items), RANGE(1000, 1000000000), .def = "10000000", .help = "Recipients waiting at once."},
	{"spool.checkpoint_records", KIND_NUMBER, RESTART, AT(raw, spool.checkpoint_records), RANGE(100, 1000000000), .def = "200000",
	    .help = "Records between two checkpoints of the index; fewer make a start faster."},

	{"delivery", KIND_GROUP, .help = "The way to the next hop."},
	{"delivery.retry_first", KIND_DURATION, AT(raw, delivery.retry_first_ms), RANGE(100, DAY), .def = "1m",
	    .help = "Delay after the first temporary failure. It doubles with each further one and varies by a quarter."},
	{"delivery.retry_max", KIND_DURATION, AT(raw, delivery.retry_max_ms), RANGE(100, 7 * DAY), .def = "1h", .help = "The longest such delay."},
	{"delivery.expire", KIND_DURATION, AT(raw, delivery.expire_ms), RANGE(SECOND, 60 * DAY), .def = "3d", .help = "Age at which an undelivered message is given up."},
	{"delivery.expire_marketing", KIND_DURATION, AT(raw, delivery.expire_class_ms[CLASS_MARKETING]), RANGE(0, 60 * DAY), .def = "0", .help = "The same for marketing; 0 = delivery.expire."},
	{"delivery.expire_service", KIND_DURATION, AT(raw, delivery.expire_class_ms[CLASS_SERVICE]), RANGE(0, 60 * DAY), .def = "0", .help = "The same for service mail; 0 = delivery.expire."},
	{"delivery.expire_legal", KIND_DURATION, AT(raw, delivery.expire_class_ms[CLASS_LEGAL]), RANGE(0, 60 * DAY), .def = "0", .help = "The same for legal mail; 0 = delivery.expire."},
	{"delivery.next_hops", KIND_LIST, REQUIRED, AT(raw, delivery.next_hops), IN(raw_hop), .hi = 64,
	    .help = "The MTAs or providers that messages are handed to. The first is used; the others when it is down."},
	{"delivery.next_hops[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_hop, name), .sample = "mta", .help = "For logs and figures."},
	{"delivery.next_hops[].host", KIND_TEXT, REQUIRED, AT(raw_hop, host), .check = check_host, .sample = "127.0.0.1", .help = "Name, IP address, or the path of a unix socket."},
	{"delivery.next_hops[].port", KIND_NUMBER, AT(raw_hop, port), RANGE(1, 65535), .def = "25", .help = "TCP port."},
	{"delivery.next_hops[].tls", KIND_CHOICE, AT(raw_hop, tls), .choices = hop_tls, .def = "opportunistic",
	    .help = "none: never. opportunistic: when offered, without looking at the certificate. required: nothing is sent without. verified: the certificate must fit too."},
	{"delivery.next_hops[].tls_name", KIND_TEXT, AT(raw_hop, tls_name), .check = check_domain, .help = "Name asked for (SNI) and expected in the certificate. Default: host."},
	{"delivery.next_hops[].ca_file", KIND_TEXT, AT(raw_hop, ca_file), .check = check_path, .help = "Certificates to trust, in PEM. Default: the system's."},
	{"delivery.next_hops[].tls_from_start", KIND_FLAG, AT(raw_hop, tls_from_start), .def = "false",
	    .help = "TLS before the greeting, as on port 465, in place of STARTTLS. With tls = \"verified\" the certificate must fit; else it is only encrypted."},
	{"delivery.next_hops[].source", KIND_TEXT, AT(raw_hop, source), .check = check_ip, .help = "IP address to connect from. Default: the system's choice."},
	{"delivery.next_hops[].user", KIND_TEXT, AT(raw_hop, user), .check = check_title, .help = "User for AUTH; with password_file."},
	{"delivery.next_hops[].password_file", KIND_TEXT, AT(raw_hop, password_file), .check = check_path, .help = "File that holds the password, readable by the daemon only."},
	{"delivery.next_hops[].connections", KIND_NUMBER, AT(raw_hop, connections), RANGE(1, 1000), .def = "20", .help = "Connections at once."},
	{"delivery.next_hops[].messages_per_connection", KIND_NUMBER, AT(raw_hop, messages_per_connection), RANGE(1, 1000000), .def = "200",
	    .help = "Messages before a connection is closed and made anew."},
	{"delivery.next_hops[].idle", KIND_DURATION, AT(raw_hop, idle_ms), RANGE(0, HOUR), .def = "5s", .help = "How long a connection without work is kept."},
	{"delivery.next_hops[].connect_timeout", KIND_DURATION, AT(raw_hop, connect_timeout_ms), RANGE(100, HOUR), .def = "30s", .help = "For making a connection."},
	{"delivery.next_hops[].attempt_timeout", KIND_DURATION, AT(raw_hop, attempt_timeout_ms), RANGE(SECOND, DAY), .def = "10m",
	    .help = "For one message, from MAIL to the last reply, however slowly the hop answers."},
	{"delivery.pass_timeout", KIND_DURATION, AT(raw, delivery.pass_timeout_ms), RANGE(SECOND, 9 * MINUTE), .def = "2m",
	    .help = "For a message of a stream with pass_through: until the next hop has answered, or the client gets 451. RFC 5321 lets clients wait ten minutes. Throttles hold for such mail too: it waits for its turn, and what would wait longer than this is answered 451 4.7.1 at once."},
	{"delivery.breaker", KIND_GROUP, .help = "Holds a marketing stream back when too many recipients complain. optgate queue release --stream lets it go again."},
	{"delivery.breaker.pause", KIND_NUMBER, AT(raw, delivery.breaker.pause), RANGE(0, 100000), .def = "100", .help = "Complaints of 100,000 delivered at which it pauses: 100 is 0.10 %; 0 = never."},
	{"delivery.breaker.stop", KIND_NUMBER, AT(raw, delivery.breaker.stop), RANGE(0, 100000), .def = "300", .help = "The same, at which it stops until it is released; 0 = never."},
	{"delivery.breaker.minimum", KIND_NUMBER, AT(raw, delivery.breaker.minimum), RANGE(1, 1000000000), .def = "1000", .help = "Nothing is judged before so many were delivered within the window."},
	{"delivery.breaker.window", KIND_DURATION, AT(raw, delivery.breaker.window_ms), RANGE(MINUTE, 30 * DAY), .def = "24h", .help = "What is counted: the latest so long."},
	{"delivery.breaker.pause_time", KIND_DURATION, AT(raw, delivery.breaker.pause_ms), RANGE(SECOND, 30 * DAY), .def = "1h", .help = "How long a pause lasts."},
	{"delivery.domain_groups", KIND_LIST, AT(raw, delivery.domain_groups), IN(raw_domain_group), .hi = 1000, .help = "Recipient domains that belong together, such as those of one mailbox provider."},
	{"delivery.domain_groups[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_domain_group, name), .sample = "google", .help = "Used as \"@google\" where domains are listed."},
	{"delivery.domain_groups[].domains", KIND_TEXTS, REQUIRED, AT(raw_domain_group, domains), .hi = 10000, .check = check_domain_pattern, .sample = "gmail.com",
	    .help = "Domains, or *.DOMAIN for all below one."},
	{"delivery.routes", KIND_LIST, AT(raw, delivery.routes), IN(raw_route), .hi = ROUTES_MAX,
	    .help = "Which mail goes over which next hops: the first that fits takes it. What fits none goes over all next hops, each when those before it are down."},
	{"delivery.routes[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_route, name), .sample = "bulk", .help = "For logs, and for queue reroute."},
	{"delivery.routes[].streams", KIND_TEXTS, AT(raw_route, match.streams), .hi = 1000, .check = check_stream_pattern, .sample = "acme/offers",
	    .help = "BRAND/STREAM, or BRAND for all of its streams. Default: all."},
	{"delivery.routes[].domains", KIND_TEXTS, AT(raw_route, match.domains), .hi = 10000, .check = check_domain_pattern,
	    .help = "Recipient domains: DOMAIN, *.DOMAIN for all below it, or @GROUP. Default: all."},
	{"delivery.routes[].next_hops", KIND_LIST, REQUIRED, AT(raw_route, hops), IN(raw_route_hop), .hi = 64, .help = "Where it goes."},
	{"delivery.routes[].next_hops[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_route_hop, name), .sample = "mta", .help = "A name of delivery.next_hops."},
	{"delivery.routes[].next_hops[].priority", KIND_NUMBER, AT(raw_route_hop, priority), RANGE(0, 65535), .def = "10", .help = "The lowest number that is up is used; the others when all of it are down."},
	{"delivery.routes[].next_hops[].weight", KIND_NUMBER, AT(raw_route_hop, weight), RANGE(1, 65535), .def = "1", .help = "Share among those of the same priority."},
	{"delivery.routes[].rate", KIND_TEXT, AT(raw_route, rate), .check = check_rate, .help = "Most messages: 100/s, 3000/m, 50000/h, 1000000/d or 30/10s. Default: no limit."},
	{"delivery.routes[].burst", KIND_NUMBER, AT(raw_route, burst), RANGE(0, 1000000), .def = "0", .help = "Messages at once after a pause; 0 = those of a second."},
	{"delivery.throttles", KIND_LIST, AT(raw, delivery.throttles), IN(raw_throttle), .hi = THROTTLES_MAX,
	    .help = "How fast mail may go, evenly over time. All that fit a message hold for it. What the next hop itself says (421, 4.7.x) slows a domain besides."},
	{"delivery.throttles[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_throttle, name), .sample = "google", .help = "For logs."},
	{"delivery.throttles[].streams", KIND_TEXTS, AT(raw_throttle, match.streams), .hi = 1000, .check = check_stream_pattern, .help = "As delivery.routes[].streams."},
	{"delivery.throttles[].domains", KIND_TEXTS, AT(raw_throttle, match.domains), .hi = 10000, .check = check_domain_pattern, .help = "As delivery.routes[].domains."},
	{"delivery.throttles[].each_domain", KIND_FLAG, AT(raw_throttle, each_domain), .def = "false", .help = "The rate holds for each recipient domain by itself, not for all together."},
	{"delivery.throttles[].rate", KIND_TEXT, AT(raw_throttle, rate), .check = check_rate, .sample = "20/s", .help = "As delivery.routes[].rate."},
	{"delivery.throttles[].burst", KIND_NUMBER, AT(raw_throttle, burst), RANGE(0, 1000000), .def = "0", .help = "As delivery.routes[].burst."},
	{"delivery.throttles[].warm_up", KIND_TEXTS, AT(raw_throttle, warm_up), .hi = WARM_UP_DAYS_MAX, .check = check_rate,
	    .help = "A rate for each day from warm_up_from on, such as [ \"500/d\", \"1000/d\", \"2000/d\" ]; afterwards rate holds."},
	{"delivery.throttles[].warm_up_from", KIND_TEXT, AT(raw_throttle, warm_up_from), .check = check_date, .help = "The first day of warm_up, such as 2027-01-31 (UTC)."},

	{"decisions", KIND_GROUP, .help = "The log of decisions, which explains a past refusal by its reference. It holds no address."},
	{"decisions.keep", KIND_DURATION, RESTART, AT(raw, decisions.keep_ms), RANGE(0, 3650 * DAY), .def = "30d", .help = "How long a decision is kept; 0 = none is."},
	{"decisions.max_size", KIND_SIZE, RESTART, AT(raw, decisions.max_bytes), RANGE(16 * MiB, 16 * TiB), .def = "1G", .help = "Size of all its files; the oldest go first."},

	{"tripwire", KIND_GROUP, .help = "When mail of class service looks like marketing by its number; what becomes of it is set in each stream."},
	{"tripwire.recipients", KIND_NUMBER, AT(raw, tripwire.recipients), RANGE(0, 1000000), .def = "50", .help = "More recipients than so many of the same body; 0 = no limit."},
	{"tripwire.window", KIND_DURATION, AT(raw, tripwire.window_ms), RANGE(SECOND, DAY), .def = "10m", .help = "Within this time."},

	{"reports", KIND_GROUP, .help = "The SMTP listener for what comes back: bounces, complaints, mailto opt-outs. It takes mail for addresses that carry a token of ours, from anybody, and answers none."},
	{"reports.listen", KIND_TEXTS, RESTART, AT(raw, reports.listen), .hi = 32, .check = check_endpoint,
	    .help = "As submission.listen. Not given: no listener. Let the MX of every bounce_domain, or a transport of your MTA, lead here."},
	{"reports.complaint_addresses", KIND_TEXTS, AT(raw, reports.complaint_addresses), .hi = 100, .check = check_mailbox, .sample = "fbl@bounce.example.com",
	    .help = "Further addresses, at which feedback loops are registered. Only complaints are read there; whose they are is known by the token in the returned copy."},
	{"reports.own_rules", KIND_TEXT, AT(raw, reports.own_rules), .check = check_path,
	    .help = "Own rules for the wording of bounces, asked before those that come with optgate (bounce.rules says how they are written). Read again on reload."},
	{"reports.verify_complaints", KIND_FLAG, AT(raw, reports.verify_complaints), .def = "true",
	    .help = "A complaint that carries no valid DKIM signature of its From domain changes nothing (RFC 9477)."},
	{"reports.resolver", KIND_TEXT, AT(raw, reports.resolver), .check = check_resolver, .help = "IPV4-ADDRESS:PORT of the DNS server that is asked for keys. Default: the system's."},
	{"reports.trust_addresses", KIND_FLAG, AT(raw, reports.trust_addresses), .def = "false",
	    .help = "Let a complaint without a token of ours suppress the address that it names. Anybody can write such a complaint."},
	{"reports.soft_days", KIND_NUMBER, AT(raw, reports.soft_days), RANGE(0, 1000), .def = "5",
	    .help = "Suppress an address whose mail has bounced softly on so many different days with no delivery between them; 0 = never."},
	{"reports.soft_window", KIND_DURATION, RESTART, AT(raw, reports.soft_window_ms), RANGE(DAY, 3650 * DAY), .def = "60d",
	    .help = "Soft bounces are forgotten when there was none for so long."},
	{"reports.keep", KIND_DURATION, AT(raw, reports.keep_ms), RANGE(0, 3650 * DAY), .def = "30d", .help = "How long raw reports are kept for disputes; 0 = none is."},
	{"reports.max_message_size", KIND_SIZE, AT(raw, reports.max_message_bytes), RANGE(64 * KiB, 16 * MiB), .def = "10M", .help = "Largest report."},
	{"reports.max_received", KIND_NUMBER, AT(raw, reports.max_received), RANGE(5, 1000), .def = "50", .help = "Received fields in a report before it is taken for a loop."},
	{"reports.max_connections", KIND_NUMBER, RESTART, AT(raw, reports.max_connections), RANGE(1, 100000), .def = "200", .help = "Connections at once, in all. One more gets 421."},
	{"reports.idle_timeout", KIND_DURATION, RESTART, AT(raw, reports.idle_timeout_ms), RANGE(SECOND, HOUR), .def = "5m", .help = "Silence before a connection is closed."},

	{"brands", KIND_LIST, REQUIRED, AT(raw, brands), IN(raw_brand), .hi = 1000, .help = "The legal senders."},
	{"brands[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_brand, name), .sample = "acme",
	    .help = "Used in scopes (\"acme/offers\"). Never rename a brand, stream or topic: suppressions are kept under its name."},
	{"brands[].title", KIND_TEXT, REQUIRED, AT(raw_brand, title), .check = check_title, .sample = "Acme Ltd", .help = "For recipients to read."},
	{"brands[].from_domains", KIND_TEXTS, REQUIRED, AT(raw_brand, from_domains), .hi = 1000, .check = check_domain, .sample = "example.com",
	    .help = "Domains that the From field may have; domains below them are meant too. Any other is refused."},
	{"brands[].bounce_domain", KIND_TEXT, REQUIRED, AT(raw_brand, bounce_domain), .check = check_domain, .sample = "bounce.example.com",
	    .help = "Domain of return paths and of mailto opt-outs. Its mail must come back to optgate."},
	{"brands[].cfbl", KIND_FLAG, AT(raw_brand, cfbl), .def = "false",
	    .help = "Add CFBL-Address and CFBL-Feedback-ID (RFC 9477) to marketing mail that is signed: mailbox providers send complaints there, to an address of bounce_domain that names the one copy. Its reports count only with a valid DKIM signature, whatever reports.verify_complaints says. Where bounce_domain isn't the From domain or below it, a key of its own must be among dkim, which then signs too."},
	{"brands[].public_url", KIND_TEXT, AT(raw_brand, public_url), .check = check_url, .help = "As public.url, for this brand."},
	{"brands[].country", KIND_TEXT, AT(raw_brand, country), .check = check_country,
	    .help = "Calling code of the country, such as 44, whose national telephone numbers (020 7946 0000) are understood: by the verbs where the scope is the brand's, or all brands have the same, by imports, and on the brand's pages. Default: numbers must be written with their country code."},
	{"brands[].folding", KIND_TEXTS, AT(raw_brand, folding), .hi = 1000, .check = check_domain,
	    .help = "Recipients' domains in which all forms of a mailbox count as one for suppressions: without \"+tag\", and for gmail.com (also googlemail.com) and proton.me (also protonmail.com, pm.me) without dots. This only ever widens what is blocked, never what was agreed to. Default: none. Other forms that were written down by a version without this setting are found once `optgate suppress families` was run."},
	{"brands[].role_accounts", KIND_CHOICE, AT(raw_brand, mails_roles), .choices = roles, .def = "refuse",
	    .help = "Marketing to abuse@, postmaster@, noc@ and other mailboxes of a role (RFC 2142): refused unless consent (basis consent) is on record, or let pass."},
	{"brands[].role_names", KIND_TEXTS, AT(raw_brand, role_names), .hi = 1000, .check = check_name,
	    .help = "Local parts of role accounts. Default: abuse, noc, security, postmaster, hostmaster, usenet, webmaster, www, uucp, ftp, root, mailer-daemon, spam, phishing, dmarc, no-reply and the like. info, sales, marketing and support are not among them: small firms sign up with those."},
	{"brands[].typo_domains", KIND_CHOICE, AT(raw_brand, refuses_typos), .choices = typos, .def = "pass",
	    .help = "Marketing to domains that are a large provider's name mistyped (gmial.com, hotmial.com): somebody else may own them. Refused unless consent is on record, or let pass."},
	{"brands[].consent_evidence", KIND_CHOICES, AT(raw_brand, evidence), .choices = evidence_parts,
	    .help = "What a grant of basis consent must prove beside who and when, or it is refused: how (how= in its evidence, or a form), wording (an id or version), stored-wording (the id of a text that optgate wording add has kept), source, ip and agent (in its evidence). Consents given on our own pages have all of these. Default: nothing more. Grants that are on record stay valid."},
	{"brands[].consent_months", KIND_NUMBER, AT(raw_brand, life_months[BASIS_CONSENT]), RANGE(0, 1200), .def = "0",
	    .help = "How long a grant of basis consent holds: calendar months, counted in UTC from when it was given (from 31 August, six months end on the last of February); 0 = until it is withdrawn. Asked at every verdict: another value holds at once, for old grants too. A grant's own end counts if it comes first."},
	{"brands[].soft_opt_in_months", KIND_NUMBER, AT(raw_brand, life_months[BASIS_SOFT_OPT_IN]), RANGE(0, 1200), .def = "24",
	    .help = "The same of a soft opt-in that rests on a sale, counted from the sale. The Canadian law has 24 months."},
	{"brands[].enquiry_months", KIND_NUMBER, AT(raw_brand, enquiry_months), RANGE(0, 1200), .def = "6",
	    .help = "The same of a soft opt-in that rests on an enquiry (negotiation= in its evidence) and on no sale. The Canadian law has 6 months."},
	{"brands[].legitimate_interest_months", KIND_NUMBER, AT(raw_brand, life_months[BASIS_LEGITIMATE_INTEREST]), RANGE(0, 1200), .def = "24",
	    .help = "The same of legitimate interest."},
	{"brands[].contract_months", KIND_NUMBER, AT(raw_brand, life_months[BASIS_CONTRACT]), RANGE(0, 1200), .def = "0", .help = "The same of a contract."},
	{"brands[].reach", KIND_LIST, AT(raw_brand, reach), IN(raw_reach), .hi = 100,
	    .help = "Cells of the verdict table (which reason reaches which class of mail) that are other ones for this brand. Any cell may be made to block. Only two may be let pass: manual for marketing, and bounce for legal: the others are what a recipient or the law has said, and the settings are refused. A later row wins."},
	{"brands[].reach[].reasons", KIND_CHOICES, REQUIRED, AT(raw_reach, reasons), .choices = reasons, .sample = "manual", .help = "Of these suppressions."},
	{"brands[].reach[].classes", KIND_CHOICES, REQUIRED, AT(raw_reach, classes), .choices = classes, .sample = "service", .help = "And mail of these classes."},
	{"brands[].reach[].scopes", KIND_CHOICES, AT(raw_reach, scopes), .choices = scopes,
	    .help = "Only suppressions made at these levels. Default: at any."},
	{"brands[].reach[].blocks", KIND_FLAG, AT(raw_reach, blocks), .def = "true", .help = "Whether they stop it."},
	{"brands[].reach[].note", KIND_TEXT, REQUIRED, AT(raw_reach, note), .check = check_title, .sample = "who is stopped by hand gets no receipts either", .help = "Why, for whoever asks one day."},
	{"brands[].style_file", KIND_TEXT, AT(raw_brand, style_file), .check = check_path,
	    .help = "Style sheet of the brand's pages, put behind ours (see the classes box, field, quiet and the variables --ground, --ink, --soft, --line, --act, --on-act). It may load nothing but data: images."},
	{"brands[].frame_file", KIND_TEXT, AT(raw_brand, frame_file), .check = check_path,
	    .help = "HTML around the content of the brand's pages, with {{content}} where that stands once: what comes between <body> and </body>. Scripts and outside files in it are not run and not loaded."},
	{"brands[].notice_from", KIND_TEXT, AT(raw_brand, notice_from), .check = check_mailbox,
	    .help = "Address that the pages' own mails come from: lost links, confirmations of sign-ups and of data requests. With notice_stream; without both these pages are not offered."},
	{"brands[].notice_stream", KIND_TEXT, AT(raw_brand, notice_stream), .check = check_name, .help = "Stream of the brand, of class service, that these mails belong to."},
	{"brands[].dkim", KIND_LIST, AT(raw_brand, dkim), IN(raw_dkim), .hi = 100,
	    .help = "Keys that sign. Of those whose domain is that of the From field or above it, all sign: one RSA and one Ed25519 key serve every receiver."},
	{"brands[].dkim[].domain", KIND_TEXT, REQUIRED, AT(raw_dkim, domain), .check = check_domain, .sample = "example.com", .help = "The signing domain (d=)."},
	{"brands[].dkim[].selector", KIND_TEXT, REQUIRED, AT(raw_dkim, selector), .check = check_selector, .sample = "s1", .help = "The selector (s=)."},
	{"brands[].dkim[].key_file", KIND_TEXT, AT(raw_dkim, key_file), .check = check_path,
	    .help = "Private key in PEM, readable by the daemon only. Default: keys/dkim/DOMAIN.SELECTOR.pem in the data directory, where optgate key new dkim puts it."},
	{"brands[].streams", KIND_LIST, REQUIRED, AT(raw_brand, streams), IN(raw_stream), .hi = 1000, .help = "The kinds of mail of the brand."},
	{"brands[].streams[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_stream, name), .sample = "offers", .help = "What the header X-Optgate-Stream names."},
	{"brands[].streams[].title", KIND_TEXT, AT(raw_stream, title), .check = check_title, .sample = "Offers and news", .help = "For recipients to read. Default: the name."},
	{"brands[].streams[].class", KIND_CHOICE, REQUIRED, AT(raw_stream, class), .choices = classes, .sample = "marketing",
	    .help = "marketing: may be opted out of, carries List-Unsubscribe. service: receipts, password resets. legal: what the law demands to be sent."},
	{"brands[].streams[].requires", KIND_CHOICES, AT(raw_stream, accepts), .choices = bases, .sample = "consent",
	    .help = "A basis of which one must be on record for a person, or the recipient is refused. Not given: none is asked for."},
	{"brands[].streams[].corporate_requires", KIND_CHOICES, AT(raw_stream, corporate_accepts), .choices = bases,
	    .help = "Further bases that will do where the person is a corporate subscriber (optgate person corporate), such as legitimate-interest. Whoever nothing is known of is an individual. Says nothing where requires is not given."},
	{"brands[].streams[].list_id", KIND_TEXT, AT(raw_stream, list_id), .check = check_list_id, .sample = "offers.example.com", .help = "The List-Id field (RFC 2919)."},
	{"brands[].streams[].pass_through", KIND_FLAG, AT(raw_stream, pass_through), .def = "false",
	    .help = "Hand each message to the next hop while the client waits, and give it the next hop's answer; nothing is queued. One recipient a message."},
	{"brands[].streams[].cfbl", KIND_FLAG, AT(raw_stream, cfbl), .def = "true", .help = "Whether this stream has part in brands[].cfbl. Marketing class only."},
	{"brands[].streams[].keep_unsubscribe", KIND_FLAG, AT(raw_stream, keep_unsubscribe), .def = "false",
	    .help = "Service class only: pass the tool's own List-Unsubscribe fields on."},
	{"brands[].streams[].reply", KIND_CHOICE, AT(raw_stream, refusal), .choices = refusals, .def = "refuse",
	    .help = "What a client is told of a recipient that may not be sent this. refuse: 550. drop: 250, the recipient is not kept, an event tells. hold: 250, the message waits in the queue until somebody releases or drops it; released, it is judged again."},
	{"brands[].streams[].shadow", KIND_FLAG, AT(raw_stream, shadow), .def = "false",
	    .help = "On trial: verdicts are logged, and only objections, complaints and bounces block, so that even an unsubscribed person is sent mail. optgate shadow report tells what would have been stopped."},
	{"brands[].streams[].tripwire", KIND_CHOICE, AT(raw_stream, tripwire), .choices = tripwires, .def = "report",
	    .help = "What becomes of mail of class service or legal that looks like marketing: off: nobody looks. report: an event. hold: it waits in the queue for a person. marketing: it is treated as marketing, with all that follows."},
	{"brands[].streams[].topics", KIND_LIST, AT(raw_stream, topics), IN(raw_topic), .hi = 1000, .help = "Lists or interests within the stream."},
	{"brands[].streams[].topics[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_topic, name), .sample = "spring", .help = "What the header X-Optgate-Topic names."},
	{"brands[].streams[].topics[].title", KIND_TEXT, AT(raw_topic, title), .check = check_title, .sample = "Spring sale", .help = "For recipients to read. Default: the name."},
	{"brands[].streams[].topics[].hidden", KIND_FLAG, AT(raw_topic, hidden), .def = "false",
	    .help = "Not offered among the preferences (lists of staff, tests). Opt-outs reach it like any other."},

	{"clients", KIND_LIST, AT(raw, clients), IN(raw_client), .hi = 10000, .help = "The marketing tools. Nobody else may relay."},
	{"clients[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_client, name), .sample = "newsletter",
	    .help = "Also the user of SMTP AUTH; optgate client add NAME sets its password."},
	{"clients[].brand", KIND_TEXT, REQUIRED, AT(raw_client, brand), .check = check_name, .sample = "acme", .help = "What it may send as."},
	{"clients[].stream", KIND_TEXT, REQUIRED, AT(raw_client, stream), .check = check_name, .sample = "offers", .help = "The stream of messages that name none."},
	{"clients[].streams", KIND_TEXTS, AT(raw_client, streams), .hi = 1000, .check = check_name,
	    .help = "Further streams that the header X-Optgate-Stream may choose."},
	{"clients[].networks", KIND_TEXTS, AT(raw_client, networks), .hi = 1000, .check = check_network, .sample = "127.0.0.1",
	    .help = "ADDRESS or ADDRESS/BITS. A client without a password is known by its network; one with a password may log in from there only."},
	{"clients[].reply", KIND_CHOICE, AT(raw_client, refusal), .choices = refusals,
	    .help = "As brands[].streams[].reply, for whatever this client sends. Default: what the stream says."},
	{"clients[].plain_auth", KIND_FLAG, AT(raw_client, plain_auth), .def = "false", .help = "Allow AUTH without TLS: the password is readable on the way."},
	{"clients[].max_connections", KIND_NUMBER, AT(raw_client, max_connections), RANGE(0, 1000000), .def = "0",
	    .help = "Connections of this client at once; one more gets 421. 0 = no limit of its own."},
	{"clients[].max_messages_per_minute", KIND_NUMBER, AT(raw_client, max_messages_per_minute), RANGE(0, 100000000), .def = "0",
	    .help = "Messages of this client: so many at once after a pause, and from then on evenly as many a minute. One more gets 450 4.7.1 at MAIL, with the seconds to wait. 0 = no limit."},
	{"clients[].max_recipients_per_minute", KIND_NUMBER, AT(raw_client, max_recipients_per_minute), RANGE(0, 100000000), .def = "0",
	    .help = "The same for recipients, at RCPT. Refused ones don't count. 0 = no limit."},

	{"forms", KIND_LIST, AT(raw, forms), IN(raw_form), .hi = 1000, .help = "Forms for signing up, at /f/NAME below the brand's public URL; their HTML for other sites is at /snippet/NAME. A mail with a link asks for confirmation (double opt-in); until then nothing is kept."},
	{"forms[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_form, name), .sample = "newsletter", .help = "The last part of its URL."},
	{"forms[].brand", KIND_TEXT, REQUIRED, AT(raw_form, brand), .check = check_name, .sample = "acme", .help = "A brand with notice_from."},
	{"forms[].title", KIND_TEXT, REQUIRED, AT(raw_form, title), .check = check_title, .sample = "Acme newsletters", .help = "For people to read."},
	{"forms[].purposes", KIND_TEXTS, REQUIRED, AT(raw_form, purposes), .hi = WEB_PURPOSES_MAX, .check = check_purpose, .sample = "offers",
	    .help = "STREAM or STREAM/TOPIC of the brand: a box for each, never ticked beforehand."},
	{"forms[].wording_file", KIND_TEXT, REQUIRED, AT(raw_form, wording_file), .check = check_path, .sample = "/etc/optgate/newsletter.txt",
	    .help = "What people read and agree to: plain text in UTF-8. Its SHA-256 is kept with each consent as the id of the wording."},
	{"forms[].version", KIND_TEXT, REQUIRED, AT(raw_form, version), .check = check_name, .sample = "1",
	    .help = "Of the wording. Change it with the text: sign-ups that were begun with another version then have to begin again."},
	{"forms[].privacy_url", KIND_TEXT, AT(raw_form, privacy_url), .check = check_url, .help = "The privacy notice."},
	{"forms[].privacy_version", KIND_TEXT, AT(raw_form, privacy_version), .check = check_name, .help = "Its version, for the evidence."},
	{"forms[].confirm_within", KIND_DURATION, AT(raw_form, confirm_within_ms), RANGE(HOUR, 90 * DAY), .def = "7d", .help = "How long the mailed link is good for."},

	{"webhooks", KIND_LIST, AT(raw, webhooks), IN(raw_webhook), .hi = 100,
	    .help = "Where providers report what became of mail, at /hooks/NAME of the admin listener. Mailgun and SendGrid sign (key_file), Amazon signs (certificates); the others, and those without either, send a key of role hooks as a bearer token or as the password of basic authentication."},
	{"webhooks[].name", KIND_TEXT, UNIQUE_NAME, AT(raw_webhook, name), .sample = "mailgun", .help = "The last part of its URL."},
	{"webhooks[].provider", KIND_CHOICE, REQUIRED, AT(raw_webhook, provider), .choices = providers, .sample = "mailgun", .help = "Whose events they are."},
	{"webhooks[].stream", KIND_TEXT, REQUIRED, AT(raw_webhook, stream), .sample = "acme/offers",
	    .help = "The stream whose mail goes by this provider, as BRAND/STREAM: opt-outs count for it, complaints for its brand, bounces for all."},
	{"webhooks[].key_file", KIND_TEXT, AT(raw_webhook, key_file), .check = check_path,
	    .help = "Mailgun's signing key, or SendGrid's verification key in base64, readable by the daemon only. Read again on reload."},
	{"webhooks[].certificates", KIND_TEXT, AT(raw_webhook, certificates), .check = check_path,
	    .help = "Directory of Amazon's signing certificates, each under the last part of the SigningCertURL in its messages. They are not fetched: a message with an unknown one is refused, and the log names it."},
};
const size_t settings_count = sizeof settings / sizeof *settings;

const char *setting_name(const struct setting *row)
{
	const char *dot = strrchr(row->path, '.');
	return dot ? dot + 1 : row->path;
}

bool setting_within(const struct setting *row, const char *prefix)
{
	size_t n = strlen(prefix);
	if (n == 0)
		return !strchr(row->path, '.');
	return strncmp(row->path, prefix, n) == 0 && row->path[n] == '.' && setting_name(row) == row->path + n + 1;
}

const struct setting *setting_find(const char *prefix, const char *name)
{
	for (size_t i = 0; i < settings_count; i++)
		if (setting_within(&settings[i], prefix) && strcmp(setting_name(&settings[i]), name) == 0)
			return &settings[i];
	return NULL;
}
