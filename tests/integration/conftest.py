import os, pathlib, sys, tempfile, shutil

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from gate import Gate, Sink, Postfix


@pytest.fixture
def place(request):
    """A directory of short name (unix sockets) that goes when the test passed."""
    d = pathlib.Path(tempfile.mkdtemp(prefix="og-"))
    yield d
    shutil.rmtree(d, ignore_errors=True)


@pytest.fixture
def sink():
    s = Sink()
    yield s
    s.close()


@pytest.fixture
def make_gate(place):
    made = []

    def make(hop=("127.0.0.1", 9), start=True, name=None, **settings):
        g = Gate(place / (name or f"g{len(made)}"), hop, **settings)
        made.append(g)
        return g.start() if start else g
    yield make
    for g in made:
        g.end()


@pytest.fixture
def gate(make_gate, sink):
    """A gateway in front of a sink."""
    return make_gate(sink.addr)


@pytest.fixture
def postfix(place):
    p = Postfix(place / "pf").start()
    yield p
    p.stop()
