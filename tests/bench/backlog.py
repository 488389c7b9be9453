#!/usr/bin/python3
"""The daemon with a long queue: a million recipients wait for a next hop that is down, and mail for another one goes through the same gateway,
beside a gateway whose queue is empty; then kill -9, the hop comes back, and how long until the first is delivered. Ratios are what to read."""
import argparse, concurrent.futures, pathlib, re, shutil, socket, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import benchlib
from gate import CLIENT, Gate, free_port, mail

PER_MESSAGE, DOMAINS, FILLERS = 10, 1000, 4


def gateway(place, name, sink_port, dead_port):
    dead = f'}}, {{ name = "dead"; host = "127.0.0.1"; port = {dead_port}; tls = "none"; '
    return Gate(place / name, ("127.0.0.1", sink_port), hop_more="connections = 20; " + dead, clients=CLIENT, submission="max_connections_per_ip = 2000;",
                delivery='routes = ( { name = "stuck"; domains = ["*.stuck.test"]; next_hops = ( { name = "dead"; } ); }, '
                         '{ name = "live"; next_hops = ( { name = "hop"; } ); } );').start()


def fill(gate, items, first):
    """Recipients FIRST, FIRST + FILLERS * PER_MESSAGE and so on, over one connection."""
    with socket.create_connection(gate.smtp) as s, s.makefile("rwb") as f:
        def say(lines, codes):
            f.write(lines)
            f.flush()
            for code in codes:
                while (line := f.readline())[3:4] == b"-":
                    pass
                if not line.startswith(code):
                    raise RuntimeError(f"the gateway said {line!r}")
        say(b"EHLO filler.test\r\n", [b"220", b"250"])
        for at in range(first, items, FILLERS * PER_MESSAGE):
            to = b"".join(b"RCPT TO:<r%d@d%d.stuck.test>\r\n" % (i, i % DOMAINS) for i in range(at, at + PER_MESSAGE))
            say(b"MAIL FROM:<news@acme.test>\r\n" + to + b"DATA\r\n", [b"250"] * (PER_MESSAGE + 1) + [b"354"])
            say(mail() + b".\r\n", [b"250"])


def run(sink, gate, n):
    """Messages accepted and delivered a second."""
    base, began = sink.ask()[0], time.time()
    subprocess.run(["smtp-source", "-N", "-d", "-s", "20", "-l", "10240", "-m", str(n), "-f", "news@acme.test", "-t", "live@sink.test", "-S", "This week",
                    f"127.0.0.1:{gate.smtp[1]}"], check=True, stdout=subprocess.DEVNULL)
    accepted = time.time()
    return n / (accepted - began), n / (max(sink.wait(base + n), accepted) - began)


def memory_mib(gate):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{gate.proc.pid}/status").read()).group(1)) / 1024


def restart(gate, hop_port):
    """Killed, and started with its hop up again: seconds until it listens, until the first of the queue is delivered; how many a second then."""
    gate.kill()
    hop = benchlib.Sink(hop_port)
    try:
        began = time.time()
        gate.start(120)
        ready = time.time()
        while not hop.ask()[0]:
            time.sleep(0.005)
        first, base = time.time(), hop.ask()[0]
        time.sleep(3)
        return ready - began, first - began, (hop.ask()[0] - base) / 3
    finally:
        hop.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--items", type=int, default=1000000)
    p.add_argument("-n", type=int, default=6000)
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    place = pathlib.Path(tempfile.mkdtemp(prefix="optgate-backlog.", dir="/var/tmp"))
    sink, gates = benchlib.Sink(), {}
    try:
        dead_port = free_port()
        gates = {name: gateway(place, name, sink.port, dead_port) for name in ("full", "empty")}
        before, began = memory_mib(gates["full"]), time.time()
        with concurrent.futures.ThreadPoolExecutor(FILLERS) as fillers:
            list(fillers.map(lambda k: fill(gates["full"], a.items, k * PER_MESSAGE), range(FILLERS)))
        kept = gates["full"].json("stats")["spool"]
        if kept["items"] != a.items:
            sys.exit(f"bench: {kept['items']} are in the queue")
        print(f"  {a.items} recipients of {kept['submitted']} messages accepted in {time.time() - began:.0f} s, {(memory_mib(gates['full']) - before) * (1 << 20) / a.items:.0f} bytes of memory each")
        rates = {name: [] for name in gates}
        for rnd in range(a.rounds + 1):
            for name in sorted(gates, reverse=rnd % 2):
                r = run(sink, gates[name], a.n if rnd else 300)     # the first warms up
                rates[name] += [r] if rnd else []
                print(f"  round {rnd} {name:5} accepted {r[0]:6.0f}/s delivered {r[1]:6.0f}/s", flush=True)
        for i, what in enumerate(("accepted", "delivered")):
            print(f"backlog of {a.items}, {what}: full to empty {statistics.median(f[i] / e[i] for f, e in zip(rates['full'], rates['empty'])):.2f}")
        memory = memory_mib(gates["full"])
        ready, first, rate = restart(gates["full"], dead_port)
        print(f"backlog of {a.items}, killed: listens after {ready:.1f} s, first delivery after {first:.1f} s, then {rate:.0f}/s; memory was {memory:.0f} MiB")
    finally:
        for gate in gates.values():
            gate.end()
        sink.stop()
        shutil.rmtree(place, ignore_errors=True)


main()
