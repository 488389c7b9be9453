#!/usr/bin/python3
"""Many connections at once: what an idle one costs in memory, plain and TLS, and how 500 active sessions fare beside 5,000 idle
ones. Prints a table; never a pass or fail, but for connections that were refused or lost."""
import argparse, asyncio, os, pathlib, re, resource, shutil, socket, ssl, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import gate as g

CLIENT = '{ name = "load"; brand = "acme"; stream = "offers"; networks = ["127.0.0.0/8"]; }'
LIMITS = "max_connections = 20000; max_connections_per_ip = 20000; idle_timeout = \"30m\";"


def memory(pid):
    """PSS in KiB: the daemon's own pages."""
    return int(re.search(r"^Pss:\s+(\d+)", open(f"/proc/{pid}/smaps_rollup").read(), re.M).group(1))


def lines(name, *values):
    print(f"{name:44s}" + "".join(f"{v:>14}" for v in values), flush=True)


async def reply(r):
    while True:
        line = await asyncio.wait_for(r.readline(), 60)
        if line[3:4] != b"-":
            return line


async def command(r, w, text, code):
    w.write(text)
    line = await reply(r)
    if not line.startswith(code):
        raise RuntimeError(f"{text[:40]!r}: {line!r}")


async def idle(addr, i, context):
    """One that has said EHLO and then waits."""
    r, w = await asyncio.open_connection(*addr, ssl=context, server_hostname="gate" if context else None, local_addr=(f"127.0.0.{2 + i % 100}", 0))
    if not (await reply(r)).startswith(b"220"):
        raise RuntimeError("no greeting")
    await command(r, w, b"EHLO idle.test\r\n", b"250")
    return w


async def open_idle(addr, n, context=None, width=100):
    open_ = []
    for at in range(0, n, width):
        open_ += await asyncio.gather(*(idle(addr, i, context) for i in range(at, min(n, at + width))))
    return open_


async def active(addr, i, until, took):
    r, w = await asyncio.open_connection(*addr, local_addr=(f"127.0.1.{2 + i % 100}", 0))
    await reply(r)
    await command(r, w, b"EHLO busy.test\r\n", b"250")
    body = g.mail(body="x" * 70 + "\r\n") + b".\r\n"
    while time.monotonic() < until:
        start = time.monotonic()
        await command(r, w, b"MAIL FROM:<news@acme.test>\r\n", b"250")
        await command(r, w, b"RCPT TO:<u%d@sink.test>\r\n" % i, b"250")
        await command(r, w, b"DATA\r\n", b"354")
        await command(r, w, body, b"250")
        took.append(time.monotonic() - start)
    await command(r, w, b"QUIT\r\n", b"221")
    w.close()


async def close(connections):
    for w in connections:
        w.transport.abort()
    await asyncio.sleep(0.5)


async def measure(gate, args, certificate):
    pid, plain, tls = gate.proc.pid, gate.submission[0], gate.submission[1]
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    start = memory(pid)
    lines("", "PSS MiB", "KiB each", "seconds")
    lines("started", f"{start / 1024:.1f}", "", "")
    for name, addr, ctx in ((f"{args.idle} idle, plain", plain, None), (f"{args.idle} idle, TLS", tls, context)):
        before, at = memory(pid), time.monotonic()
        connections = await open_idle(addr, args.idle, ctx)
        after = memory(pid)
        lines(name, f"{after / 1024:.1f}", f"{(after - before) / args.idle:.1f}", f"{time.monotonic() - at:.1f}")
        if not ctx:
            await close(connections)
            lines("  closed again", f"{memory(pid) / 1024:.1f}", "", "")
    took = []
    until = time.monotonic() + args.seconds
    sessions = asyncio.gather(*(active(plain, i, until, took) for i in range(args.active)))
    await asyncio.sleep(args.seconds / 2)
    lines(f"  and {args.active} active beside them", f"{memory(pid) / 1024:.1f}", "", "")
    await sessions
    took.sort()
    lines(f"  {len(took) / args.seconds:.0f} messages/s (this client's limit); ms p50, p99", f"{1000 * took[len(took) // 2]:.1f}",
          f"{1000 * took[len(took) * 99 // 100]:.1f}", "")
    lost = sum(w.transport.is_closing() for w in connections)
    lines("  idle connections lost meanwhile", lost, "", "")
    await close(connections)
    return lost


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--idle", type=int, default=5000)
    p.add_argument("--active", type=int, default=500)
    p.add_argument("--seconds", type=float, default=10)
    args = p.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < args.idle + args.active + 200:
        sys.exit(f"only {hard} file descriptors are allowed")
    place = pathlib.Path(tempfile.mkdtemp(prefix="og-"))
    port = g.free_port()
    sink = subprocess.Popen([g.BIN / "optgate", "sink", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=gate", "-days", "2",
                    "-keyout", place / "key.pem", "-out", place / "cert.pem"], check=True, capture_output=True)
    gate = g.Gate(place / "g", ("127.0.0.1", port), clients=CLIENT,
                  submission=f'{LIMITS} tls_listen = "127.0.0.1:0"; tls_certificate = "{place}/cert.pem"; tls_key = "{place}/key.pem";')
    try:
        gate.start()
        lost = asyncio.run(measure(gate, args, place))
    finally:
        gate.kill()
        sink.terminate()
        sink.wait()
        shutil.rmtree(place, ignore_errors=True)
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
