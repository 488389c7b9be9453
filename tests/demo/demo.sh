#!/usr/bin/env bash
# A small real campaign through the gateway, from configuration to the refusal after the opt-out. Everything stays in a
# temporary directory and on 127.0.0.1; nothing is left running.
set -eu
bin=${OPTGATE_BIN:-build/bin}
dir=$(mktemp -d -t optgate-demo.XXXXXX)
pids=()
finish() {
	for p in "${pids[@]}"; do kill "$p" 2> /dev/null || true; done
	for p in "${pids[@]}"; do wait "$p" 2> /dev/null || true; done
	[ "${KEEP:-}" ] || rm -rf "$dir"
}
trap finish EXIT

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
run() { printf '$ %s\n' "${*/#$bin\//}"; "$@"; }
die() { echo "demo: $*" >&2; cat "$dir"/*.log >&2 || true; exit 1; }
wait_for() { # FILE PATTERN
	for _ in $(seq 200); do grep -qE "$2" "$1" 2> /dev/null && return; sleep 0.05; done
	die "no '$2' in $1"
}
free_port() {
	for _ in $(seq 100); do
		local p=$((20000 + RANDOM % 20000))
		(exec 3<> "/dev/tcp/127.0.0.1/$p") 2> /dev/null || { echo $p; return; }
	done
	die "no free port"
}

public_port=$(free_port)
"$bin/optgate" sink --listen 127.0.0.1:0 --dir "$dir/received" > "$dir/sink.log" 2>&1 &
pids+=($!)
wait_for "$dir/sink.log" '127\.0\.0\.1:[0-9]+'
sink_port=$(grep -oE '127\.0\.0\.1:[0-9]+' "$dir/sink.log" | head -1 | cut -d: -f2)

cat > "$dir/optgate.conf" <<CONF
data_dir = "$dir/data";
hostname = "gate.acme.test";
submission = { listen = ["127.0.0.1:0"]; };
public = { listen = "127.0.0.1:$public_port"; };
delivery = { next_hops = ( { name = "sink"; host = "127.0.0.1"; port = $sink_port; tls = "none"; } ); };
brands = ( {
  name = "acme"; title = "Acme Telecom";
  from_domains = ["acme.test"];
  bounce_domain = "bounce.acme.test";
  public_url = "http://127.0.0.1:$public_port";
  dkim = ( { domain = "acme.test"; selector = "s1"; }, { domain = "acme.test"; selector = "s2"; } );
  streams = (
    { name = "offers"; title = "Offers"; class = "marketing"; requires = "consent"; list_id = "offers.lists.acme.test"; },
    { name = "receipts"; title = "Receipts"; class = "service"; }
  );
} );
clients = ( { name = "newsletter-tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.1"]; } );
CONF
gate() { "$bin/optgate" -c "$dir/optgate.conf" "$@"; }
ours() { printf '$ optgate %s\n' "$*"; gate "$@"; }

step "Keys: DKIM with RSA-2048 and Ed25519"
gate key new dkim acme.test s1 rsa > "$dir/dns"
gate key new dkim acme.test s2 ed25519 >> "$dir/dns"
cut -c1-110 "$dir/dns"

step "Three people: ann agreed, bob agreed and then complained, carol was never asked"
ours consent grant ann@example.test --purpose acme/offers --wording offers-v3 --source web-form
ours consent grant bob@example.test --purpose acme/offers --wording offers-v3 --source web-form
ours suppress add bob@example.test --scope acme --reason complaint --source feedback-loop

"$bin/optgated" -c "$dir/optgate.conf" 2> "$dir/gate.log" &
pids+=($!)
wait_for "$dir/gate.log" 'gateway\.ready'
smtp_port=$(grep -oE 'submission=127\.0\.0\.1:[0-9]+' "$dir/gate.log" | cut -d: -f2)

campaign() { # who...
	local to=()
	for who in "$@"; do to+=(--mail-rcpt "$who@example.test"); done
	curl -sv --crlf --max-time 20 --mail-rcpt-allowfails "smtp://127.0.0.1:$smtp_port/tool.acme.test" --mail-from news@acme.test "${to[@]}" -T - 2>&1 << MAIL |
From: Acme Telecom <news@acme.test>
To: you <ann@example.test>
Subject: This week: twice the data for the same price

Hello,
this week only: twice the data for the same price.
MAIL
		sed -nE 's/\r$//; s/^> (RCPT|DATA|MAIL)/  C: \1/p; s/^< ([0-9]{3} )/  S: \1/p' | grep -vE 'S: (220|354|221)|ENHANCED' || true
}

step "The campaign, relayed by the newsletter tool (C) through the gateway (S)"
campaign ann bob carol
for _ in $(seq 200); do ls "$dir"/received/* > /dev/null 2>&1 && break; sleep 0.05; done
ls "$dir"/received/* > /dev/null 2>&1 || die "nothing was delivered"
count=$(ls "$dir"/received | wc -l)

step "What ann received ($count message reached the next hop)"
first=$(ls "$dir"/received/* | head -1)
tr -d '\r' < "$first" | cut -c1-150
link=$(tr -d '\r' < "$first" | sed -nE 's/^(List-Unsubscribe:)? *<(http[^>]*)>.*/\2/p' | head -1)
[ "$link" ] || die "no link in the mail"

step "Ann's mail provider opts her out: one click (RFC 8058)"
printf '$ curl -d List-Unsubscribe=One-Click %.60s...\n' "$link"
curl -sS --max-time 20 -d 'List-Unsubscribe=One-Click' -o "$dir/answer" -w 'HTTP %{http_code}\n' "$link"

step "The next send"
campaign ann

step "Why?"
ours explain ann@example.test --stream acme/offers || [ $? = 3 ] || die "explain failed"

step "The ledger's journal"
ours journal tail | cut -c1-150
ours journal verify

cat << NEXT

Where to look next:
  README.md                       a five-minute tour: your own configuration, a real tool, a real next hop
  conf/optgate.conf               every setting with its default and meaning
  build/bin/optgate help          the verbs: suppress, consent, explain, queue, journal, key, client, config, stats
  KEEP=1 make demo                leaves this demo's directory behind to look into
NEXT
[ "${KEEP:-}" ] && echo "  $dir" || true
