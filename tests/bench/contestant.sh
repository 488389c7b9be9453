#!/usr/bin/env bash
# contestant.sh SINK_HOST SINK_PORT: a gateway in the measured configuration, for ../shared/bench and `make bench`.
# Fresh data directory, LEDGER (default 1,000,000) suppressions, DKIM=rsa|ed25519|both|none (default rsa), List-Unsubscribe
# pair on, durable. Prints one line `HOST PORT PID` when it listens; SIGTERM cleans up. WHERE=FILE: its data directory and the
# public listener's HOST:PORT are written there.
set -eu
sink_host=${1:?usage: contestant.sh SINK_HOST SINK_PORT} sink_port=${2:?usage: contestant.sh SINK_HOST SINK_PORT}
top=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
bin=${OPTGATE_BIN:-$top/build/bin}
bench=${OPTGATE_BENCH:-$top/build/bench}
[ -x "$bin/optgated" ] && [ -x "$bench/ledger_preload" ] || make -s -C "$top" all bench-programs >&2
dir=$(mktemp -d "${TMPDIR:-/tmp}/optgate-contestant.XXXXXX")
pid=
finish() {
	[ -n "$pid" ] && { kill "$pid" 2> /dev/null || true; wait "$pid" 2> /dev/null || true; }
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 0' TERM INT

kind=${DKIM:-rsa}
case $kind in
rsa | ed25519) selectors=(peer:$kind) ;;
both) selectors=(peer:rsa peer2:ed25519) ;;
none) selectors=() ;;
*) echo "contestant: DKIM=$kind: expected rsa, ed25519, both or none" >&2; exit 2 ;;
esac
dkim=
for s in "${selectors[@]}"; do dkim+="${dkim:+, }{ domain = \"client.test\"; selector = \"${s%:*}\"; }"; done
cat > "$dir/optgate.conf" << CONF
data_dir = "$dir/data";
hostname = "gate.client.test";
log_level = "${LOG_LEVEL:-warning}";
submission = { listen = ["127.0.0.1:0"]; max_connections = 2000; max_connections_per_ip = 2000; };
public = { listen = "127.0.0.1:0"; };
delivery = { next_hops = ( { name = "sink"; host = "$sink_host"; port = $sink_port; tls = "none"; connections = ${CONNECTIONS:-20}; } ); };
brands = ( {
  name = "client"; title = "Client"; from_domains = ["client.test"]; bounce_domain = "bounce.client.test";
  public_url = "https://u.client.test"; dkim = ( $dkim );
  streams = ( { name = "offers"; title = "Offers"; class = "marketing"; list_id = "offers.lists.client.test"; } );
} );
clients = ( { name = "load"; brand = "client"; stream = "offers"; networks = ["127.0.0.1"]; } );
CONF
mkdir -p -m 700 "$dir/data"
for s in "${selectors[@]}"; do "$bin/optgate" -c "$dir/optgate.conf" key new dkim client.test "${s%:*}" "${s#*:}" > "$dir/dns"; done
"$bench/ledger_preload" "$dir/data/ledger" "$dir/data/keys" "${LEDGER:-1000000}" 2> "$dir/preload.log" || { cat "$dir/preload.log" >&2; exit 1; }
sed -i 's/log_level = "warning"/log_level = "info"/' "$dir/optgate.conf"
"$bin/optgated" -c "$dir/optgate.conf" 2> "$dir/log" &
pid=$!
for _ in $(seq 300); do
	grep -q 'gateway\.ready' "$dir/log" && break
	kill -0 $pid 2> /dev/null || { cat "$dir/log" >&2; exit 1; }
	sleep 0.1
done
port=$(sed -nE 's/.*gateway\.ready submission=127\.0\.0\.1:([0-9]+).*/\1/p' "$dir/log")
if [ -n "${WHERE:-}" ]; then
	echo "$dir/data $(sed -nE 's/.*gateway\.ready .*public=([0-9.:]+).*/\1/p' "$dir/log")" > "$WHERE"
fi
echo "127.0.0.1 $port $pid"
wait $pid || true
