#!/usr/bin/env bash
# run.sh: all measurements of `make bench`, under ten minutes; QUICK=1 in two. Ratios come last. Nothing here passes or fails.
set -eu
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
bench=${OPTGATE_BENCH:-$here/../../build/bench}
dir=${BENCH_DIR:-/var/tmp} # on the disk that is to be measured
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
part() {
	local name=$1
	shift
	echo "== $name"
	"$@" 2>&1 | tee -a "$out/all"
}
if [ -n "${QUICK:-}" ]; then
	items=200000 ledgers=1000000 n=4000 rounds=1 cases=rsa,ed25519
else
	items=1000000 ledgers="1000000 10000000" n=12000 rounds=3 cases=rsa,ed25519,none,50-rcpt,100k
fi
part "the spool" "$bench/spool" "$dir" "$items"
for rows in $ledgers; do
	part "verdicts against $rows suppressions" env BENCH_DIR="$dir" "$bench/policy_ledger" "$rows"
done
part "composing one copy" "$bench/compose"
part "one-click" python3 "$here/oneclick.py" --rounds "$rounds" --seconds 4
part "the daemon with a long queue" python3 "$here/backlog.py" --items "$items" -n "$((n / 2))" --rounds "$rounds"
part "Postfix with our doors" python3 "$here/doors.py" -n "$((n / 3))" --rounds "$rounds"
part "the relay" python3 "$here/relay.py" -n "$n" --rounds "$rounds" --cases "$cases"
echo "== ratios"
grep -E '^spool to|full to empty|^backlog|^relay|^one-click|^verdict|^doors' "$out/all"
peers=$here/../../../shared/bench
if [ -x "$peers/versus.sh" ]; then
	echo "beside Postfix and Haraka: ../shared/bench/versus.sh $here/contestant.sh"
fi
