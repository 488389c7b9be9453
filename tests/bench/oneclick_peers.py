#!/usr/bin/python3
"""Durable one-click POSTs a second and their p99, beside peers that write one row into PostgreSQL for each; and the page that a GET shows,
beside nginx that returns 200. Contestants take turns, so that what else the machine does hits all of them.

  oneclick_peers.py [--rows 1000000] [--rounds 3] [--seconds 6] [--conns 1,50,200] [--bench DIR of http.py, for the peers]
Every token is valid and used once; each run's rows are counted in the store afterwards.
"""
import argparse, json, os, pathlib, re, shutil, signal, statistics, subprocess, sys, tempfile, time

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("OPTGATE_BIN", TOP / "build" / "bin"))
BENCH = pathlib.Path(os.environ.get("OPTGATE_BENCH", TOP / "build" / "bench"))
CONF = """data_dir = "{d}/data"; hostname = "gate.client.test"; log_level = "warning";
submission = {{ listen = ["127.0.0.1:0"]; }}; public = {{ listen = "127.0.0.1:0"; threads = 2; }};
delivery = {{ next_hops = ( {{ name = "sink"; host = "127.0.0.1"; port = 9; }} ); }};
brands = ( {{ name = "client"; title = "Client"; from_domains = ["client.test"]; bounce_domain = "b.client.test"; public_url = "https://u.client.test";
  streams = ( {{ name = "offers"; title = "Offers"; class = "marketing"; }} ); }} );
clients = ( {{ name = "load"; brand = "client"; stream = "offers"; networks = ["127.0.0.1"]; }} );
"""


class Gate:
    def __init__(self, rows):
        self.d = pathlib.Path(tempfile.mkdtemp(prefix="oneclick-"))
        (self.d / "optgate.conf").write_text(CONF.format(d=self.d))
        (self.d / "data").mkdir(mode=0o700)
        subprocess.run([BENCH / "ledger_preload", self.d / "data/ledger", self.d / "data/keys", str(rows)], check=True, stderr=subprocess.DEVNULL)
        conf = (self.d / "optgate.conf").read_text()
        (self.d / "optgate.conf").write_text(conf.replace("warning", "info"))
        self.log = open(self.d / "log", "wb")
        self.p = subprocess.Popen([BIN / "optgated", "-c", self.d / "optgate.conf", "--only", "web"], stderr=self.log)
        for _ in range(300):
            m = re.search(r"public=127\.0\.0\.1:(\d+)", (self.d / "log").read_text())
            if m:
                break
            time.sleep(0.1)
        self.port = int(m.group(1))
        self.journal = self.last()

    def last(self):
        out = subprocess.run([BIN / "optgate", "-c", self.d / "optgate.conf", "journal", "tail", "-n", "1", "--json"], capture_output=True, text=True).stdout
        m = re.search(r'"entry": ?(\d+)', out)
        return int(m.group(1)) if m else 0

    def tokens(self, n):
        f = self.d / "tokens"
        with open(f, "w") as out:
            subprocess.run([BENCH / "optout_tokens", self.d / "data/keys", "client", "offers", str(n)], stdout=out, check=True)
        return f

    def durable(self):
        before, self.journal = self.journal, self.last()
        return (self.journal - before) // 2      # the suppression and the withdrawal

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait()
        shutil.rmtree(self.d)


def wrk(port, conns, seconds, tokens, method):
    out = subprocess.run(["wrk", "-t1", f"-c{conns}", f"-d{seconds}", "--latency", "-s", TOP / "tests/bench/oneclick_peers.lua", f"http://127.0.0.1:{port}",
                          "--", str(tokens), method], stdout=subprocess.PIPE, text=True).stdout
    return json.loads(out.strip().splitlines()[-1])


class Nginx:
    def __init__(self):
        self.d = pathlib.Path(tempfile.mkdtemp(prefix="oneclick-nginx-"))
        self.port = 8611
        (self.d / "nginx.conf").write_text(f"""worker_processes 2; pid {self.d}/pid; error_log {self.d}/error.log; daemon off;
events {{ worker_connections 1024; }} http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {self.d}/b; proxy_temp_path {self.d}/p;
fastcgi_temp_path {self.d}/f; uwsgi_temp_path {self.d}/u; scgi_temp_path {self.d}/s;
server {{ listen 127.0.0.1:{self.port} reuseport; location / {{ return 200; }} }} }}""")
        self.p = subprocess.Popen(["nginx", "-c", self.d / "nginx.conf"], stderr=subprocess.DEVNULL)
        time.sleep(0.5)

    def stop(self):
        self.p.terminate()
        self.p.wait()
        shutil.rmtree(self.d)


class NodePg:
    """../shared/bench's node + pg peer: one INSERT ... ON CONFLICT a POST, with as many rows there before."""
    def __init__(self, bench, rows, workers):
        sys.path.insert(0, bench)
        import lookups
        self.pg = lookups.Pg()
        self.pg.sql("drop table if exists unsubscribed")
        self.pg.sql(f"create table unsubscribed as select md5(i::text) || '-preloaded' as token, now() as at from generate_series(1, {rows}) i")
        self.pg.sql("alter table unsubscribed add primary key (token)")
        self.port = 8612
        self.p = subprocess.Popen(["node", f"{bench}/http/server.js"], env={**os.environ, "PGHOST": lookups.S + "/pgsock", "PORT": str(self.port),
                                                                        "WORKERS": str(workers), "NODE_PATH": lookups.S + "/node-pg/node_modules"})
        time.sleep(1)
        self.count = rows

    def durable(self):
        now = int(self.pg.sql("select count(*) from unsubscribed"))
        before, self.count = self.count, now
        return now - before

    def stop(self):
        self.p.terminate()
        self.p.wait()
        self.pg.stop()


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--rows", type=int, default=1000000)
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--seconds", type=int, default=6)
    a.add_argument("--conns", default="1,50,200")
    a.add_argument("--bench")
    a = a.parse_args()
    gate, nginx = Gate(a.rows), Nginx()
    posts = {"optgate": gate, "nginx return": nginx}
    if a.bench:
        posts["node-pg"] = NodePg(a.bench, a.rows, 2)
    results = {}
    try:
        for _ in range(a.rounds):
            for conns in map(int, a.conns.split(",")):
                for name, c in posts.items():
                    tokens = gate.tokens(a.seconds * (6000 if conns == 1 else 45000))
                    r = wrk(c.port, conns, a.seconds, tokens, "POST")
                    durable = c.durable() if hasattr(c, "durable") else None
                    if durable is not None:
                        assert r["errors"] == 0 and durable >= r["requests"], (name, r, durable)
                    results.setdefault(("POST", conns, name), []).append(r)
            for name, c in (("optgate", gate), ("nginx return", nginx)):
                results.setdefault(("GET", 50, name), []).append(wrk(c.port, 50, a.seconds, gate.tokens(20000), "GET"))
    finally:
        for c in posts.values():
            c.stop()
    print(f"{'':4} {'conns':>5} {'':14} {'rate/s':>9} {'p50 ms':>8} {'p99 ms':>8}   (medians of {a.rounds}; {a.rows} rows there before)")
    for (method, conns, name), rs in sorted(results.items(), key=lambda x: (x[0][0], x[0][1], x[0][2])):
        m = {k: statistics.median(r[k] for r in rs) for k in ("rate", "p50_ms", "p99_ms")}
        print(f"{method:4} {conns:5} {name:14} {m['rate']:9.0f} {m['p50_ms']:8.2f} {m['p99_ms']:8.2f}")


main()
