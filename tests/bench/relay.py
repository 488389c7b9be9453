#!/usr/bin/python3
"""make bench: 20,000 messages of 10 KiB, one recipient each, 20 connections, through the gateway in the measured configuration
(contestant.sh) and straight into the same sink, in alternating rounds; CPU per message; then the same with other keys.
The sink counts what it gets. Ratios and medians are what to read: the machine is shared."""
import argparse, os, pathlib, re, socket, statistics, subprocess, sys, threading, time

HERE = pathlib.Path(__file__).resolve().parent
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sink:
    """optgate sink, which reports on standard output how many messages it has (one line each hundred, see --progress)."""

    def __init__(self, tool, port):
        self.port, self.count, self.cond = port, 0, threading.Condition()
        self.proc = subprocess.Popen([tool, "sink", "--listen", f"127.0.0.1:{port}", "--quiet", "--progress", "1"], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("bench: the sink does not listen")

    def read(self):
        for line in self.proc.stdout:
            m = re.match(r"(\d+) messages", line)
            if m:
                with self.cond:
                    self.count = int(m.group(1))
                    self.cond.notify_all()

    def wait(self, n, patience=30):
        with self.cond:
            while self.count < n:
                before = self.count
                if not self.cond.wait(patience) and self.count == before:
                    return False
        return True

    def stop(self):
        self.proc.terminate()
        self.proc.wait()


def cpu(pid):
    f = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return (int(f[11]) + int(f[12])) / TICK


def rss_mib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1)) / 1024


def load(port, n, size, sessions):
    t = time.time()
    subprocess.run(["smtp-source", "-N", "-d", "-s", str(sessions), "-l", str(size), "-m", str(n), "-f", "bounce@client.test", "-t", "live@sink.test",
                    "-S", "This week", f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL)
    return t, time.time()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("-n", type=int, default=20000)
    p.add_argument("--size", type=int, default=10240)
    p.add_argument("--sessions", type=int, default=20)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--dkim", default="rsa,ed25519,none")
    a = p.parse_args()
    tool = pathlib.Path(os.environ.get("OPTGATE_BIN", HERE / "../../build/bin")) / "optgate"
    sink = Sink(tool, free_port())
    gates = {}
    try:
        for kind in a.dkim.split(","):
            g = subprocess.Popen([HERE / "contestant.sh", "127.0.0.1", str(sink.port)], stdout=subprocess.PIPE, text=True, env={**os.environ, "DKIM": kind})
            host, port, pid = g.stdout.readline().split()
            gates[kind] = g, int(port), int(pid)
        results = {k: [] for k in ["direct", *gates]}
        for rnd in range(a.rounds):
            for name in results:
                port, pid = (sink.port, None) if name == "direct" else gates[name][1:]
                base, c0 = sink.count, cpu(pid) if pid else 0
                t0, t1 = load(port, a.n, a.size, a.sessions)
                if not sink.wait(base + a.n):
                    sys.exit(f"bench: {name}: {sink.count - base} of {a.n} arrived")
                t2 = time.time()
                r = dict(accept=a.n / (t1 - t0), drain=a.n / (t2 - t0), cpu=((cpu(pid) - c0) / a.n * 1e6) if pid else 0)
                results[name].append(r)
                print(f"round {rnd} {name:8} accepted {r['accept']:7.0f}/s delivered {r['drain']:7.0f}/s CPU {r['cpu']:5.0f} us/message", flush=True)
        direct = statistics.median(r["drain"] for r in results["direct"])
        for name in gates:
            d = statistics.median(r["drain"] for r in results[name])
            c = statistics.median(r["cpu"] for r in results[name])
            print(f"relay {name}: delivered {d:.0f}/s = {d / direct:.2f} of the sink alone ({direct:.0f}/s); CPU {c:.0f} us/message; peak memory {rss_mib(gates[name][2]):.0f} MiB")
    finally:
        for g, *_ in gates.values():
            g.terminate()
            g.wait()
        sink.stop()


main()
