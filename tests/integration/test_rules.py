"""Removal of what people have said: two of us, or the recipient."""
import os, re, subprocess

import pytest
from gate import BIN, link_of, post
from test_gate import send


def as_user(gate, user, *args):
    env = dict(os.environ, SUDO_USER=user)
    return subprocess.run([BIN / "optgate", "-c", gate.conf, *map(str, args)], capture_output=True, text=True, timeout=60, env=env)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two people")
@pytest.mark.parametrize("reason", ["objection", "complaint", "unsubscribe"])
def test_removal_takes_two_people(gate, reason):
    said = ["cat@sink.test", "--scope", "acme", "--reason", reason]
    gate.tool("suppress", "add", *said)
    r = as_user(gate, "anna", "suppress", "remove", *said, "--note", "asked for in writing")
    assert r.returncode == 0, r.stderr
    entry = re.search(r"suppress approve (\d+)", r.stdout).group(1)
    assert gate.tool("explain", "cat@sink.test", "--stream", "acme/offers", check=False).returncode == 3
    r = as_user(gate, "anna", "suppress", "approve", entry, "--note", "fine")
    assert r.returncode == 1 and "somebody else" in r.stderr
    r = as_user(gate, "bob", "suppress", "approve", entry, "--note", "seen the letter")
    assert r.returncode == 0, r.stderr
    assert gate.tool("explain", "cat@sink.test", "--stream", "acme/offers").returncode == 0
    # Good once.
    gate.tool("suppress", "add", *said)
    r = as_user(gate, "bob", "suppress", "approve", entry, "--note", "again")
    assert r.returncode == 1 and "has changed since" in r.stderr
    assert gate.tool("explain", "cat@sink.test", "--stream", "acme/offers", check=False).returncode == 3


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two people")
def test_a_removal_says_what_still_stands(gate, sink):
    send(gate, "cat@sink.test")
    assert post(gate, link_of(sink.wait(1)[0]))[0] == 200
    said = ["cat@sink.test", "--scope", "acme/offers", "--reason", "unsubscribe", "--note", "asked"]
    entry = re.search(r"suppress approve (\d+)", as_user(gate, "anna", "suppress", "remove", *said).stdout).group(1)
    r = as_user(gate, "bob", "suppress", "approve", entry, "--note", "asked")
    assert r.returncode == 0 and "consent for acme/offers is still withdrawn" in r.stderr
    assert "withdrawn" in gate.tool("explain", "cat@sink.test", "--stream", "acme/offers", check=False).stdout


def test_a_soft_opt_in_needs_its_proof(gate):
    grant = ["consent", "grant", "cat@sink.test", "--purpose", "acme/news", "--basis", "soft-opt-in"]
    parts = ["--evidence", "sale=A-17", "--evidence", "product=shoes", "--evidence", "refusal=box"]
    for i, word in enumerate(["sale or negotiation", "family of products", "chance to refuse"]):
        r = gate.tool(*grant, *parts[:2 * i], *parts[2 * i + 2:], check=False)
        assert r.returncode == 1 and word in r.stderr
    gate.tool(*grant, *parts)
