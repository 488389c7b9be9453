#!/usr/bin/python3
"""20,000 messages of 10 KiB, one recipient each, 20 connections, through the gateway in the measured configuration (contestant.sh)
and straight into the same sink, in rounds that turn; CPU per message; the same with other keys, with 50 recipients a message and with
100 KiB. Ratios and medians are what to read: machines are shared."""
import argparse, statistics, subprocess, time
import benchlib

CASES = {  # name: (settings, share of N, bytes, recipients)
    "rsa": ({"DKIM": "rsa"}, 1, 10240, 1),
    "ed25519": ({"DKIM": "ed25519"}, 1, 10240, 1),
    "none": ({"DKIM": "none"}, 1, 10240, 1),
    "50-rcpt": ({"DKIM": "rsa"}, 0.02, 10240, 50),
    "100k": ({"DKIM": "rsa"}, 0.2, 102400, 1),
}


def load(port, n, size, recipients, sessions):
    began = time.time()
    subprocess.run(["smtp-source", "-N", "-d", "-s", str(sessions), "-l", str(size), "-m", str(n), "-r", str(recipients), "-f", "bounce@client.test",
                    "-t", "live@sink.test", "-S", "This week", f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)
    return began, time.time()


def run(sink, gate, n, size, recipients, sessions):
    """One run: accepted and delivered recipients a second, CPU microseconds a recipient."""
    base, cpu = sink.ask()[0], gate.cpu() if gate else 0
    began, accepted = load(gate.port if gate else sink.port, n, size, recipients, sessions)
    last = sink.wait(base + (n * recipients if gate else n))
    all_of = n * recipients
    return dict(accept=all_of / (accepted - began), drain=all_of / (max(last, accepted) - began), cpu=(gate.cpu() - cpu) / all_of * 1e6 if gate else 0)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("-n", type=int, default=20000)
    p.add_argument("--sessions", type=int, default=20)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--cases", default=",".join(CASES))
    a = p.parse_args()
    sink, gates, results = benchlib.Sink(), {}, {}
    try:
        for name in a.cases.split(","):
            key = CASES[name][0]["DKIM"]
            if key not in gates:
                gates[key] = benchlib.Gate(sink.port, **CASES[name][0])
                run(sink, gates[key], 200, 10240, 1, a.sessions)
        for rnd in range(a.rounds):
            for name in a.cases.split(","):
                env, share, size, recipients = CASES[name]
                n = max(100, int(a.n * share))
                for how, gate in ((name, gates[env["DKIM"]]), (name + " direct", None)):
                    r = run(sink, gate, n, size, recipients, a.sessions)
                    results.setdefault(how, []).append(r)
                    if gate:
                        print(f"  round {rnd} {how:8} accepted {r['accept']:6.0f}/s delivered {r['drain']:6.0f}/s CPU {r['cpu']:4.0f} us a copy", flush=True)
        med = lambda how, what: statistics.median(r[what] for r in results[how])
        for name in a.cases.split(","):
            gate, direct = med(name, "drain"), med(name + " direct", "drain")
            print(f"relay {name}: {gate:.0f} copies/s = {gate / direct:.2f} of the sink alone; CPU {med(name, 'cpu'):.0f} us a copy")
        for key, gate in gates.items():
            print(f"relay with {key}: peak memory {gate.peak_mib():.0f} MiB")
    finally:
        for gate in gates.values():
            gate.stop()
        sink.stop()


main()
