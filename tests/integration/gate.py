"""The gateway as a test sees it, and the peers around it: a next hop that can be told to misbehave, a private Postfix."""
import functools, json, os, pathlib, re, shutil, signal, socket, subprocess, sys, threading, time

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("OPTGATE_BIN", TOP / "build" / "bin"))

CONF = """\
data_dir = "{data}";
hostname = "gate.acme.test";
drain = "{drain}";
submission = {{ listen = ["127.0.0.1:0"]; {submission} }};
public = {{ listen = "{public_listen}"; {public} }};
{more}
delivery = {{
  next_hops = ( {{ name = "hop"; host = "{hop_host}"; port = {hop_port}; tls = "{hop_tls}"; {hop_more} }} );
  {delivery}
}};
brands = ( {{
  name = "acme"; title = "Acme Telecom";
  from_domains = ["acme.test"];
  bounce_domain = "bounce.acme.test";
  public_url = "{public_url}";
  dkim = ( {dkim} ); {brand}
  streams = (
    {{ name = "offers"; title = "Offers"; class = "marketing"; list_id = "offers.lists.acme.test"; {offers}
       topics = ( {{ name = "spring"; title = "Spring"; }}, {{ name = "summer"; title = "Summer"; }} {topics} ); }},
    {{ name = "news"; title = "News"; class = "marketing"; requires = "consent"; list_id = "news.lists.acme.test"; {news} }},
    {{ name = "receipts"; title = "Receipts"; class = "service"; {receipts} }}
  );
}}, {{
  name = "other"; title = "Other"; from_domains = ["other.test"]; bounce_domain = "bounce.other.test"; public_url = "{public_url}";
  streams = ( {{ name = "offers"; title = "Offers"; class = "marketing"; list_id = "offers.lists.other.test"; }} );
}} );
clients = ( {clients} );
{extra}
"""
CLIENT = '{ name = "tool"; brand = "acme"; stream = "offers"; streams = ["offers", "news", "receipts"]; networks = ["127.0.0.0/8"]; }'


class Gate:
    """One optgated with a data directory of its own."""

    def __init__(self, dir, hop=("127.0.0.1", 9), **settings):
        self.dir = pathlib.Path(dir)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.data = self.dir / "data"
        self.conf = self.dir / "optgate.conf"
        self.log = self.dir / "log"
        self.proc = None
        self.settings = dict(data=self.data, drain="10s", submission="", hop_host=hop[0], hop_port=hop[1], hop_tls="none", hop_more="", delivery="",
                             public_listen="127.0.0.1:0", public="", more="", brand="", topics="",
                             public_url="http://u.acme.test", dkim="", clients=CLIENT, extra="", offers="", news="", receipts="")
        self.settings.update(settings)
        self.write_conf()

    def write_conf(self, **settings):
        self.settings.update(settings)
        self.conf.write_text(CONF.format(**self.settings))

    def start(self, timeout=30, only=None, under=()):
        before = self.log.stat().st_size if self.log.exists() else 0
        self.proc = subprocess.Popen([*under, BIN / "optgated", "-c", self.conf, *(["--only", only] if only else [])], stderr=open(self.log, "ab"), stdin=subprocess.DEVNULL)
        m = self.wait_log(r"gateway\.ready submission=(\S+) public=(\S+)", timeout, before)
        self.submission = [self.pair(a) for a in m.group(1).split(",") if a != "-"]
        self.smtp, self.public = self.submission[0] if self.submission else None, self.pair(m.group(2)) if m.group(2) != "-" else None
        return self

    @staticmethod
    def pair(text):
        host, _, port = text.rpartition(":")
        return (host, int(port)) if host != "unix" else (port, 0)

    def text(self, start=0):
        time.sleep(0.1)                     # the daemon's log writer takes what it has every 20 ms
        return self.text_now(start)

    def text_now(self, start=0):
        with open(self.log, "rb") as f:
            f.seek(start)
            return f.read().decode(errors="replace")

    def wait_log(self, pattern, timeout=15, start=0, count=1):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            found = list(re.finditer(pattern, self.text_now(start)))
            if len(found) >= count:
                return found[0]
            if self.proc and self.proc.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"log lacks {pattern!r} x{count}:\n{self.text_now(start)[-4000:]}")

    def stop(self, timeout=30):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            assert self.proc.wait(timeout) == 0, self.text()[-4000:]
        self.proc = None

    def kill(self):
        if self.proc:
            self.proc.kill()
            self.proc.wait()
        self.proc = None

    def end(self):
        """At the end of a test: whatever a sanitizer has said fails it."""
        self.kill()
        text = self.text() if self.log.exists() else ""
        at = re.search(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:", text)
        assert not at, text[at.start() - 200:at.start() + 4000]

    def reload(self):
        at = self.log.stat().st_size
        self.proc.send_signal(signal.SIGHUP)
        return self.wait_log(r"gateway\.reload(\.fail)? .*", 10, at).group(0)

    def tool(self, *args, input=None, check=True):
        r = subprocess.run([BIN / "optgate", "-c", self.conf, *map(str, args)], input=input, capture_output=True, text=True, timeout=60)
        if check and r.returncode != 0:
            raise AssertionError(f"optgate {' '.join(map(str, args))}: exit {r.returncode}\n{r.stdout}{r.stderr}")
        return r

    def json(self, *args, check=True):
        return json.loads(self.tool(*args, "--json", check=check).stdout)

    def queue_is_empty(self, timeout=30):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if not self.json("queue", "list"):
                return True
            time.sleep(0.05)
        return False


class Message:
    def __init__(self, sender, rcpts, data):
        self.sender, self.rcpts, self.data = sender, rcpts, data
        self.head, _, self.body = data.partition(b"\r\n\r\n")

    def fields(self, name):
        """Values of a field, unfolded."""
        text = re.sub(rb"\r\n(?=[ \t])", b"", self.head)
        return [l.split(b":", 1)[1].strip().decode() for l in text.split(b"\r\n") if l.lower().startswith(name.lower().encode() + b":")]

    def one(self, name):
        values = self.fields(name)
        assert len(values) == 1, (name, values)
        return values[0]

    def raw_lines(self, name):
        return [l for l in self.head.split(b"\r\n") if l.lower().startswith(name.lower().encode() + b":")]


class Sink:
    """A next hop. .behave maps a verb ("connect", "EHLO", "MAIL", "RCPT", "DATA", ".") to a function (session, argument) that
    returns a reply, "stall" (wait until .go is set), "drop", or None for the ordinary answer."""
    ORDINARY = {"connect": "220 sink.test ESMTP", "HELO": "250 sink.test", "MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok",
                "DATA": "354 go on", ".": "250 2.0.0 kept", "RSET": "250 2.0.0 ok", "NOOP": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye"}

    def __init__(self, extensions=("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 50000000"), port=0):
        self.messages, self.lock, self.behave = [], threading.Lock(), {}
        self.go, self.sessions, self.seen = threading.Event(), 0, []
        self.peers, self.times = set(), []      # addresses that connected; when each message was complete
        self.extensions = extensions
        self.s = socket.create_server(("127.0.0.1", port), backlog=200)
        self.addr = self.s.getsockname()
        self.closed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.closed:
            try:
                c, peer = self.s.accept()
            except OSError:
                return
            with self.lock:
                self.sessions += 1
                self.peers.add(peer[0])
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def keep(self, sender, rcpts, data):
        with self.lock:
            self.messages.append(Message(sender, rcpts, data))
            self.times.append(time.monotonic())

    def answer(self, f, verb, arg="", before_yes=None):
        with self.lock:
            self.seen.append((verb, arg))
        reply = self.behave[verb](self, arg) if verb in self.behave else None
        if reply == "stall":
            self.go.wait(120)
            reply = None
        if reply == "drop":
            raise ConnectionError
        if reply is None:
            reply = self.ORDINARY[verb] if verb != "EHLO" else "\r\n".join("250-" + x for x in ("sink.test",) + self.extensions) + "\r\n250 HELP"
        if before_yes and reply.startswith("250"):
            before_yes()
        f.write((reply + "\r\n").encode())
        f.flush()
        return reply

    def serve(self, c):
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        f = c.makefile("rwb")
        try:
            self.answer(f, "connect")
            sender, rcpts = None, []
            while True:
                line = f.readline()
                if not line:
                    return
                verb, _, arg = line.decode(errors="replace").strip().partition(" ")
                verb = verb.upper()
                if verb == "DATA":
                    if not rcpts:
                        f.write(b"554 5.5.1 no recipient\r\n")
                        f.flush()
                        continue
                    if not self.answer(f, "DATA").startswith("354"):
                        continue
                    data = []
                    while (l := f.readline()) != b".\r\n":
                        if not l:
                            return
                        data.append(l[1:] if l.startswith(b".") else l)
                    # kept before the other side can know of it, and tell a test
                    self.answer(f, ".", before_yes=functools.partial(self.keep, sender, rcpts, b"".join(data)))
                    sender, rcpts = None, []
                    continue
                if verb not in self.ORDINARY and verb != "EHLO":
                    f.write(b"502 5.5.1 what?\r\n")
                    f.flush()
                    continue
                reply = self.answer(f, verb, arg)
                if verb == "MAIL":
                    sender, rcpts = re.search("<(.*?)>", arg).group(1), []
                elif verb == "RCPT" and reply.startswith("250"):
                    rcpts.append(re.search("<(.*?)>", arg).group(1))
                elif verb == "QUIT":
                    return
        except (ConnectionError, OSError, ValueError):
            pass
        finally:
            try:
                f.close()
            except OSError:
                pass
            c.close()

    def wait(self, n, timeout=30):
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            with self.lock:
                if len(self.messages) >= n:
                    return list(self.messages)
            time.sleep(0.01)
        raise AssertionError(f"{len(self.messages)} messages of {n}")

    def close(self):
        self.closed = True
        self.go.set()
        self.s.shutdown(socket.SHUT_RDWR)   # a thread that waits in accept() would keep it open for one more
        self.s.close()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postfix:
    """A private Postfix that takes mail for sink.test and keeps it in maildirs. MAIN: further lines of main.cf."""

    def __init__(self, dir, main=""):
        self.dir = pathlib.Path(dir)
        self.port = free_port()
        etc, spool, self.mail = self.dir / "etc", self.dir / "spool", self.dir / "mail"
        for d in (self.dir, etc, spool, self.mail, self.dir / "data"):
            d.mkdir(parents=True, exist_ok=True)
            d.chmod(0o755)
        p = self.dir
        while p != p.parent:            # postfix's processes must get there
            if p.stat().st_uid == os.getuid() and not p.stat().st_mode & 0o001:
                p.chmod(p.stat().st_mode | 0o011)
            p = p.parent
        shutil.chown(self.dir / "data", "postfix")
        shutil.chown(self.mail, "nobody")
        (etc / "main.cf").write_text(f"""compatibility_level = 3.6
queue_directory = {spool}
data_directory = {self.dir}/data
maillog_file = {self.dir}/maillog
maillog_file_prefixes = {self.dir}
multi_instance_enable = no
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = hop.sink.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
virtual_mailbox_domains = sink.test
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = texthash:{etc}/boxes
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 100
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
{main}
""")
        (etc / "boxes").write_text("".join(f"{b}@sink.test {b}/\n" for b in ("ann", "bob", "eve")))
        services = [("127.0.0.1:%d" % self.port, "inet", "n", "-", "n", "-", "-", "smtpd")]
        for name, kind, private, wakeup, limit, cmd in (
                ("pickup", "unix", "n", "60", "1", "pickup"), ("cleanup", "unix", "n", "-", "0", "cleanup"), ("qmgr", "unix", "n", "300", "1", "qmgr"),
                ("rewrite", "unix", "-", "-", "-", "trivial-rewrite"), ("bounce", "unix", "-", "-", "0", "bounce"), ("defer", "unix", "-", "-", "0", "bounce"),
                ("trace", "unix", "-", "-", "0", "bounce"), ("verify", "unix", "-", "-", "1", "verify"), ("flush", "unix", "n", "1000?", "0", "flush"),
                ("proxymap", "unix", "-", "-", "-", "proxymap"), ("smtp", "unix", "-", "-", "-", "smtp"), ("error", "unix", "-", "-", "-", "error"),
                ("retry", "unix", "-", "-", "-", "error"), ("discard", "unix", "-", "-", "-", "discard"), ("virtual", "unix", "-", "-", "-", "virtual"),
                ("anvil", "unix", "-", "-", "1", "anvil"), ("scache", "unix", "-", "-", "1", "scache"), ("postlog", "unix-dgram", "n", "-", "1", "postlogd")):
            services.append((name, kind, private, "n" if name == "virtual" else "-", "n", wakeup, limit, cmd))
        (etc / "master.cf").write_text("\n".join(" ".join(s) for s in services) + "\n")

    def start(self):
        r = subprocess.run(["postfix", "-c", self.dir / "etc", "start"], capture_output=True, text=True)
        assert r.returncode == 0, r.stdout + r.stderr + ((self.dir / "maillog").read_text() if (self.dir / "maillog").exists() else "")
        until = time.monotonic() + 15
        while time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                    if s.recv(100).startswith(b"220"):
                        return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError("postfix does not listen")

    def stop(self):
        subprocess.run(["postfix", "-c", self.dir / "etc", "stop"], capture_output=True)

    def messages(self, box, n=1, timeout=30):
        new = self.mail / box / "new"
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            files = sorted(new.glob("*")) if new.exists() else []
            if len(files) >= n:
                # maildirs hold LF lines
                return [Message(None, [], f.read_bytes().replace(b"\n", b"\r\n")) for f in files]
            time.sleep(0.05)
        raise AssertionError(f"{box}: {len(files)} of {n}; {(self.dir / 'maillog').read_text()[-3000:]}")


def post(gate, path, body=b"List-Unsubscribe=One-Click", type="application/x-www-form-urlencoded", method="POST", headers=()):
    """One HTTP request; (status, headers as a list, body)."""
    import http.client
    c = http.client.HTTPConnection(*gate.public, timeout=20)
    h = dict(headers)
    if type and method == "POST":
        h["Content-Type"] = type
    c.request(method, path, body if method == "POST" else None, h)
    r = c.getresponse()
    out = r.status, r.getheaders(), r.read()
    c.close()
    return out


def link_of(message):
    """Path of the one-click link of a delivered message."""
    m = re.match(r"<https?://[^/]+(/u/[^>]+)>, <mailto:[^>]+>$", message.one("List-Unsubscribe"))
    assert m, message.fields("List-Unsubscribe")
    return m.group(1)


def mail(to="a@sink.test", sender="news@acme.test", subject="This week", body="Hello\r\n", extra="", frm=None):
    return (f"From: Acme <{frm or sender}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nDate: Tue, 24 Nov 2026 02:06:00 +0000\r\n"
            f"Message-ID: <m-{time.monotonic_ns()}@acme.test>\r\n{extra}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}").encode()
