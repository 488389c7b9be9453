"""The tool's own one-click link: it travels in ours, and is POSTed to after the opt-out; a real HTTPS server plays the tool."""
import http.server, json, smtplib, ssl, subprocess, threading, time

import pytest

from gate import link_of, mail, post
from test_pages import field, form, get, send

PATH = "/subscription/9f0c?list=spring&u=%7Ba%7D"


class Tool:
    """Answers each POST with the next of .answers, the last one for ever; "silence" closes without a word."""

    def __init__(self, dir):
        key, cert = dir / "tool.key", dir / "tool.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self.certificate, self.answers, self.asked = cert, [200], []
        tool = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                tool.asked.append((self.path, self.headers["Content-Type"], body))
                status = tool.answers.pop(0) if len(tool.answers) > 1 else tool.answers[0]
                if status == "silence":
                    self.close_connection = True
                    return
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.host = f"localhost:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def fields(self, path=PATH, host=None):
        return f"List-Unsubscribe: <mailto:leave@acme.test>,\r\n <https://{host or self.host}{path}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"

    def wait(self, n, timeout=60):
        until = time.monotonic() + timeout
        while len(self.asked) < n and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.asked) >= n, self.asked
        return self.asked

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def tool(place):
    t = Tool(place)
    yield t
    t.close()


def links(tool, more='retry_first = "100ms"; retry_max = "200ms";', private=True):
    return (f'tool_links = {{ hosts = ["{tool.host}", "tool.test"]; ca_file = "{tool.certificate}"; wait = "0"; {more} '
            + (f'private_hosts = ["{tool.host}"]; ' if private else "") + "};")


def delivered(gate, sink, fields, to="ann@sink.test"):
    n = len(sink.messages)
    send(gate, to, fields)
    message = sink.wait(n + 1)[-1]
    assert message.one("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"
    return link_of(message)


def notes(gate):
    lines = gate.tool("journal", "tail", "--json", "--count", "100").stdout
    all = json.loads(lines) if lines.startswith("[") else [json.loads(l) for l in lines.splitlines()]
    return [e["note"] for e in all if e["source"] == "tool-link"]


def test_the_tool_is_told(make_gate, sink, tool):
    gate = make_gate(sink.addr, more=links(tool))
    path = delivered(gate, sink, tool.fields())
    assert len(path) > 180 and "subscription" not in path       # sealed
    assert get(gate, path)[0] == 200 and not tool.asked
    assert post(gate, path)[0] == 200
    assert tool.wait(1) == [(PATH, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")]
    gate.wait_log(r"callout\.call result=told host=localhost:\d+ status=200 attempts=1")
    assert len(notes(gate)) == 1 and "status=200 attempts=1" in notes(gate)[0]
    # What carries no such link, or one of a host that isn't named, or none for POST: nobody is called.
    for fields in ("", tool.fields(host="elsewhere.test"), tool.fields().replace("https:", "http:"), tool.fields().rsplit("List-Unsubscribe-Post", 1)[0]):
        n = len(sink.messages)
        send(gate, f"b{n}@sink.test", fields)
        other = link_of(sink.wait(n + 1)[-1])
        assert len(other) < 180 and post(gate, other)[0] == 200
    # Nor when the message is for two: whose link it is only the tool knows.
    n = len(sink.messages)
    with smtplib.SMTP(*gate.smtp) as s:
        s.sendmail("news@acme.test", ["cat@sink.test", "dan@sink.test"], mail("cat@sink.test", extra=tool.fields("/cat")))
    for m in sink.wait(n + 2)[n:]:
        assert post(gate, link_of(m))[0] == 200
    # The next one comes after them in the queue's order, so they would have been made before it.
    assert post(gate, delivered(gate, sink, tool.fields("/last"), "zoe@sink.test"))[0] == 200
    assert [a[0] for a in tool.wait(2)] == [PATH, "/last"]


def test_it_is_told_later_if_need_be(make_gate, sink, tool):
    gate = make_gate(sink.addr, more=links(tool))
    tool.answers = ["silence", 503, 429, 202]
    assert post(gate, delivered(gate, sink, tool.fields()))[0] == 200
    gate.wait_log(r"callout\.call result=told host=\S+ status=202 attempts=4", 60)
    # A redirect is not followed, and is the last word, as a refusal is.
    for status in (302, 404):
        tool.answers, before = [status], len(tool.asked)
        assert post(gate, delivered(gate, sink, tool.fields(f"/{status}"), f"c{status}@sink.test"))[0] == 200
        gate.wait_log(rf"callout\.call result=refused host=\S+ status={status} attempts=1", 60)
        assert [a[0] for a in tool.asked[before:]] == [f"/{status}"]
    assert len(notes(gate)) == 3


def test_the_queue_outlives_a_kill(make_gate, sink, tool):
    gate = make_gate(sink.addr, more=links(tool))
    tool.answers = [503]
    assert post(gate, delivered(gate, sink, tool.fields()))[0] == 200
    tool.wait(1)
    gate.kill()
    before = len(tool.asked)
    gate.start()
    tool.wait(before + 1)
    tool.answers = [200]
    gate.wait_log(r"callout\.call result=told", 60)
    gate.stop()
    # Without the relay, too.
    tool.answers = [200]
    gate.start(only="web")
    assert get(gate, "/healthz")[0] == 200
    gate.stop()


def test_private_addresses_are_not_called(make_gate, sink, tool):
    gate = make_gate(sink.addr, more=links(tool, private=False))
    path = delivered(gate, sink, tool.fields())
    assert post(gate, path)[0] == 200
    gate.wait_log(r"callout\.call result=later host=localhost:\d+ status=0 attempts=2 why=\"its address is not one of the internet\"", 60)
    assert not tool.asked


def test_what_can_be_undone_waits(make_gate, sink, tool):
    gate = make_gate(sink.addr, more=links(tool).replace('wait = "0"', 'wait = "1h"'))
    path = delivered(gate, sink, tool.fields("/page"))
    assert form(gate, path, dict(nonce=field(get(gate, path)[1], "nonce"), action="unsubscribe"))[0] == 200
    # One by the provider's button can't be undone, and is told at once.
    assert post(gate, delivered(gate, sink, tool.fields("/button"), "bob@sink.test"))[0] == 200
    gate.wait_log(r"callout\.call result=told", 60)
    assert [a[0] for a in tool.asked] == ["/button"]
