"""Other servers' test dialogues (Exim's, chasquid's), spoken to `optgate sink`, which is the same SMTP engine with a taker of everything.
What is answered otherwise on purpose stands in a table, with its reason."""
import pathlib, re, signal, socket, subprocess

import pytest

from gate import BIN, TOP

CORPUS = TOP.parent / "shared" / "corpus" / "smtp"
if not CORPUS.exists():
    pytest.skip("../shared/corpus is not here", allow_module_level=True)

ON_PURPOSE = {
    "0000-Basic__0460.dialog": "a bare LF in a message is refused: 550",
}


class Server:
    def __init__(self, dir):
        self.dir = dir
        self.p = subprocess.Popen([BIN / "optgate", "sink", "--listen", "127.0.0.1:0", "--max-size", "1048576", "--dir", dir], stdout=subprocess.PIPE, text=True)
        host, _, port = re.match(r"listening on (\S+)", self.p.stdout.readline()).group(1).rpartition(":")
        self.at = host, int(port)

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        assert self.p.wait(20) == 0


@pytest.fixture
def server(place):
    s = Server(place / "mail")
    yield s
    s.stop()


class Client:
    def __init__(self, at):
        self.s = socket.create_connection(at, 20)
        self.f = self.s.makefile("rb")

    def send(self, data):
        self.s.sendall(data)

    def reply(self):
        """The code of a whole reply; "" at the end."""
        while True:
            line = self.f.readline().decode(errors="replace")
            if line[3:4] != "-":
                return line[:3]


def fits(wanted, got):
    """The class is what counts; where success is wanted in full, the code."""
    return got.startswith(wanted if wanted[:1] in "23" else wanted[:1]) if wanted else got == ""


def exim(path, at):
    """Mismatches of one file of Exim's: "??? 250" is a reply (or a line of one), all else is sent; \\n is a bare LF."""
    wrong, client = [], None
    lines = path.read_text(errors="replace").split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith("client "):
            client = Client(at)
        elif line.startswith("????") or line.startswith("+++ ") or not client:
            continue
        elif line.startswith("???*eof"):
            if client.reply() != "":
                wrong.append(number)
        elif line.startswith("???"):
            wanted = line[3:].strip()
            if wanted[3:4] != "-" and not fits(wanted[:3].rstrip("*"), client.reply()):
                wrong.append(number)
        elif line == "****":
            client = None
        else:
            client.send(line.replace("\\n", "\n").encode() + b"\r\n")
    return wrong


PORTABLE = (CORPUS / "exim-dialogs.portable.txt").read_text().split()


@pytest.mark.parametrize("name", PORTABLE)
def test_exim(server, name):
    wrong = exim(CORPUS / "exim-dialogs" / name, server.at)
    assert bool(wrong) == (name in ON_PURPOSE), [f"{name}:{n}" for n in wrong]


def chasquid(path, at):
    """Mismatches: "c -> line", "c <- reply", "c <~ pattern", "c <... last line of a reply"."""
    wrong, client = [], None
    for number, line in enumerate(path.read_text().split("\n"), 1):
        verb, _, rest = line[2:].partition(" ")
        if not line.startswith("c "):
            continue
        if verb == "tcp_connect":
            client = Client(at)
        elif verb == "->":
            # RFC 5321 4.1.1.3 wants the brackets that chasquid does without
            client.send(re.sub(r"^(RCPT TO:) *([^<\s]+)$", r"\1<\2>", rest).encode() + b"\r\n")
        elif verb == "~>":
            text, times = re.match(r"\('(.)' \* \d+ \+ '\\r\\n'\) \* (\d+)$", rest).groups()
            width = int(re.search(r"\* (\d+) \+", rest).group(1))
            client.send((text * width + "\r\n").encode() * int(times))
        elif verb in ("<-", "<~", "<...") and not fits(rest[:3], client.reply()):
            wrong.append(number)
    return wrong


CHASQUID = [p.name for p in sorted((CORPUS / "chasquid-dialogs").glob("*.cmy")) if "tcp_connect" in p.read_text()]


@pytest.mark.parametrize("name", CHASQUID)
def test_chasquid(server, name):
    path = CORPUS / "chasquid-dialogs" / name
    wrong = chasquid(path, server.at)
    assert not wrong, [f"{name}:{n}" for n in wrong]
    verify = path.with_name(name + ".verify")
    if verify.exists():
        server.p.stdout.readline()
        got = next(server.dir.iterdir()).read_bytes().replace(b"\r\n", b"\n")
        assert got.strip(b"\n").endswith(verify.read_bytes().strip(b"\n"))


def test_fuzz_seeds(server):
    """chasquid's: no crash, no hang."""
    for path in sorted((CORPUS / "chasquid-fuzz").iterdir()):
        client = Client(server.at)
        client.send(path.read_bytes())
        client.s.shutdown(socket.SHUT_WR)
        while client.f.read(4096):
            pass
    assert server.p.poll() is None
