"""kill -9 at random moments of a running campaign: every answered message arrives, no suppressed recipient ever does, and an
answered opt-out is never lost (promise 1)."""
import os, random, smtplib, threading, time

from gate import link_of, mail, post

ROUNDS = int(os.environ.get("KILL_ROUNDS", "50"))


class Campaign:
    def __init__(self, gate):
        self.gate, self.answered, self.refused, self.number, self.stop = gate, set(), set(), 0, False
        self.blocked = {f"blocked{i}@sink.test" for i in range(5)}

    def run(self, worker):
        """Sends until the gateway dies; remembers what was answered with 250."""
        rng = random.Random(worker * 1000 + self.number)
        try:
            with smtplib.SMTP(*self.gate.smtp, timeout=10) as s:
                while not self.stop:
                    self.number += 1
                    name = f"n{worker}-{self.number}-{rng.randrange(1 << 30)}@sink.test"
                    to = [name] + ([rng.choice(sorted(self.blocked))] if rng.random() < 0.3 else [])
                    refused = s.sendmail("news@acme.test", to, mail(name, body="x" * rng.randrange(20000) + "\r\n"))
                    self.answered.add(name)
                    self.refused |= set(refused)
        except (OSError, smtplib.SMTPException):
            pass


def opt_out(gate, links, done):
    """One-click for one link after the other; remembers which were answered."""
    try:
        for address, path in links:
            if post(gate, path)[0] == 200:
                done.add(address)
    except (OSError, Exception):
        pass


def test_kill_9_loses_nothing_answered(make_gate, sink):
    gate = make_gate(sink.addr, start=False, delivery='retry_first = "100ms"; retry_max = "500ms";',
                     clients='{ name = "tool"; brand = "acme"; stream = "offers"; networks = ["127.0.0.1"]; }')
    gate.start()
    c = Campaign(gate)
    for a in c.blocked:
        gate.tool("suppress", "add", a, "--scope", "acme", "--reason", "complaint")
    people = [f"person{i}@sink.test" for i in range(300)]
    with smtplib.SMTP(*gate.smtp) as s:
        for p in people:
            s.sendmail("news@acme.test", [p], mail(p))
    links = [(m.rcpts[0], link_of(m)) for m in sink.wait(300)]
    left_out = set()
    for round in range(ROUNDS):
        todo = [l for l in links if l[0] not in left_out]
        threads = [threading.Thread(target=c.run, args=(w,)) for w in range(3)]
        threads.append(threading.Thread(target=opt_out, args=(gate, todo[:20], left_out)))
        for t in threads:
            t.start()
        time.sleep(random.uniform(0.01, 0.4))
        gate.kill()
        for t in threads:
            t.join()
        gate.start()
    assert c.answered
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with sink.lock:
            got = {m.rcpts[0] for m in sink.messages}
        if c.answered <= got:
            break
        time.sleep(0.1)
    assert c.answered <= got, sorted(c.answered - got)[:5]
    assert not got & c.blocked
    assert left_out
    for address in left_out:
        r = gate.tool("explain", address, "--stream", "acme/offers", check=False)
        assert r.returncode == 3, (address, r.stdout)
    assert "verified" in gate.tool("journal", "verify").stdout or gate.tool("journal", "verify").returncode == 0
