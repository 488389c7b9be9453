#!/usr/bin/python3
"""Durable one-click POSTs a second: wrk with valid tokens of as many people, against the gateway of contestant.sh; and the same
connections fetching the page that changes nothing, for the price of being durable."""
import argparse, os, re, statistics, subprocess, tempfile
import benchlib


def wrk(gate, tokens, connections, seconds, script):
    threads = min(2, connections)
    env = {**os.environ, "TOKENS": tokens, "THREADS": str(threads)}
    out = subprocess.run(["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}", "--latency", "-s", benchlib.HERE / script, f"http://{gate.public}"],
                         env=env, check=True, capture_output=True, text=True).stdout
    return [float(x) for x in re.search(r"posts (\S+) p50_us (\S+) p99_us (\S+) bad (\S+)", out).groups()]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seconds", type=int, default=5)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--connections", default="1,50,200")
    a = p.parse_args()
    sink = benchlib.Sink()
    gate = benchlib.Gate(sink.port)
    try:
        results = {}
        for rnd in range(a.rounds):
            for c in (int(x) for x in a.connections.split(",")):
                with tempfile.NamedTemporaryFile("w", prefix="optgate-tokens.") as f:
                    count = 4000 * a.seconds if c == 1 else 30000 * a.seconds  # more than can be used: every one is a new opt-out
                    subprocess.run([benchlib.BENCH / "optout_tokens", gate.data + "/keys", "client", "offers", str(count)], stdout=f, check=True)
                    r = wrk(gate, f.name, c, a.seconds, "post.lua")
                results.setdefault(c, []).append(r)
                print(f"  round {rnd} {c:4} connections {r[0]:7.0f} POSTs/s  p50 {r[1] / 1e3:6.2f} ms  p99 {r[2] / 1e3:6.2f} ms  not 200: {r[3]:.0f}", flush=True)
        rates = {c: statistics.median(r[0] for r in rows) for c, rows in results.items()}
        one = rates[min(rates)]
        for c, rate in rates.items():
            print(f"one-click, {c} at once: {rate:.0f}/s durable = {rate / one:.1f} x one at a time")
    finally:
        gate.stop()
        sink.stop()


main()
