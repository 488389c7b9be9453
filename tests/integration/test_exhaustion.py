"""Out of descriptors, out of disk, and clients that hold on to what they have."""
import contextlib, os, re, resource, smtplib, socket, subprocess, time

import pytest

from gate import mail, post

root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def greeting(gate, timeout=20):
    s = socket.create_connection(gate.smtp, timeout)
    try:
        return s, s.recv(500).decode()
    except TimeoutError:
        return s, ""


def send(gate, n=1):
    with smtplib.SMTP(*gate.smtp, timeout=30) as s:
        for i in range(n):
            s.sendmail("news@acme.test", [f"u{i}@sink.test"], mail())


def http_answers(gate):
    return post(gate, "/u/nonsense")[0] in (400, 404, 410)


def test_few_descriptors_are_shared(make_gate, sink):
    """Connections of clients never eat the descriptors of opt-outs and of the way out."""
    gate = make_gate(sink.addr, start=False)
    gate.start(under=["prlimit", "--nofile=400:400"])
    limit = int(gate.wait_log(r"gateway\.limit setting=submission\.max_connections wanted=\d+ now=(\d+)").group(1))
    assert 20 < limit < 200
    opened = [greeting(gate) for _ in range(limit + 50)]
    assert all(re.match("220 |421 4.3.2 |421 4.7.0 ", text) for _, text in opened)
    assert 421 in [int(text[:3]) for _, text in opened]
    assert http_answers(gate)
    for s, _ in opened[:10]:
        s.close()
    time.sleep(0.2)
    send(gate)
    sink.wait(1)
    assert "accept.pause" not in gate.text()
    for s, _ in opened:
        s.close()


def test_no_descriptor_is_left(make_gate, sink):
    """The limit falls while the daemon runs: nobody is lost, and it goes on by itself."""
    gate = make_gate(sink.addr, clients='{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.0/8"]; }')
    send(gate)
    sink.wait(1)
    time.sleep(0.2)
    used = len(os.listdir(f"/proc/{gate.proc.pid}/fd"))
    before = resource.prlimit(gate.proc.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gate.proc.pid, resource.RLIMIT_NOFILE, (used + 10, before[1]))
    opened = []
    for _ in range(14):
        s = socket.create_connection(gate.smtp, 20)
        s.settimeout(0.3)
        opened.append(s)
    gate.wait_log(r"smtp\.accept\.pause ms=\d+ error=\"Too many open files\"")
    cpu = sum(os.times()[:2]), open(f"/proc/{gate.proc.pid}/stat").read().split()[13:15]
    time.sleep(1)
    after = open(f"/proc/{gate.proc.pid}/stat").read().split()[13:15]
    assert sum(map(int, after)) - sum(map(int, cpu[1])) < 50, "it spins"
    resource.prlimit(gate.proc.pid, resource.RLIMIT_NOFILE, before)
    for s in opened:
        s.settimeout(20)
        assert s.recv(500).startswith(b"220 ")
        s.close()
    send(gate, 2)
    sink.wait(3)


@pytest.fixture
def small_disk(place):
    d = place / "small"
    d.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "none", d], capture_output=True).returncode:
        pytest.skip("no tmpfs may be mounted")
    yield d
    subprocess.run(["umount", "-l", d], check=True)


@root
@pytest.mark.parametrize("room", ["16M", "1M"])
def test_full_disk(make_gate, sink, small_disk, place, room):
    """With room to spare (min_free) or to the last byte: temporary answers, nothing answered with yes is lost, and it recovers."""
    gate = make_gate(sink.addr, start=False, extra=f'spool = {{ segment_size = "1M"; min_free = "{room}"; }};')
    gate.data.mkdir(mode=0o700)
    (small_disk / "spool").mkdir(mode=0o700)
    (gate.data / "spool").symlink_to(small_disk / "spool")
    gate.start()
    send(gate, 2)
    sink.wait(2)
    ballast = small_disk / "ballast"
    st = os.statvfs(small_disk)
    keep = 0 if room == "1M" else 8 << 20
    with contextlib.suppress(OSError), open(ballast, "wb", buffering=0) as f:
        for _ in range((st.f_bavail * st.f_frsize - keep) // 4096 + (2 if keep == 0 else 0)):
            f.write(b"x" * 4096)
    yes, codes = 2, []
    big = mail(body=("x" * 70 + "\r\n") * 4000)
    with smtplib.SMTP(*gate.smtp, timeout=30) as s:
        for _ in range(40):
            try:
                s.sendmail("news@acme.test", ["ann@sink.test"], big)
                yes += 1
            except smtplib.SMTPDataError as e:
                codes.append(e.smtp_code)
    assert codes and set(codes) <= {451, 452}, codes
    assert http_answers(gate)
    ballast.unlink()
    for _ in range(50):
        try:
            send(gate)
            yes += 1
            break
        except smtplib.SMTPException:
            time.sleep(0.2)
    else:
        raise AssertionError("it does not recover")
    assert len(sink.wait(yes)) == yes
    gate.stop()


def test_slow_clients_do_not_hold_others_up(make_gate, sink):
    """200 that say nothing more, in every state; one more is served as fast as ever."""
    gate = make_gate(sink.addr)
    starts = [b"", b"EH", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<news@acme.test>\r\n", b"EHLO x\r\nMAIL FROM:<news@acme.test>\r\nRCPT TO:<a@sink.test>\r\nDATA\r\n",
              b"EHLO x\r\nMAIL FROM:<news@acme.test>\r\nRCPT TO:<a@sink.test>\r\nDATA\r\n" + mail()[:-40], b"EHLO x\r\n" + b"HELP\r\n" * 900]
    held = []
    for i in range(200):
        s = socket.create_connection(gate.smtp, 20)
        s.sendall(starts[i % len(starts)])
        held.append(s)
    took = []
    for i in range(20):
        at = time.monotonic()
        send(gate)
        took.append(time.monotonic() - at)
    assert sorted(took)[10] < 1
    sink.wait(20)
    for s in held:
        s.close()
