"""What the measurements share: the gateway in the measured configuration, its sink, and what a process has used."""
import os, pathlib, re, socket, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
BENCH = pathlib.Path(os.environ.get("OPTGATE_BENCH", HERE / "../../build/bench"))
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sink:
    def __init__(self, port=None):
        self.port = port or free_port()
        self.proc = subprocess.Popen([BENCH / "smtp_sink", str(self.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.proc.stdout.readline() != "listening\n":
            sys.exit("bench: the sink does not listen")

    def ask(self):
        self.proc.stdin.write("\n")
        self.proc.stdin.flush()
        messages, recipients, ago = self.proc.stdout.readline().split()
        return int(messages), int(recipients), time.time() - float(ago)

    def wait(self, n, patience=20):
        """The time when the last of N messages came; exits when no more come for PATIENCE seconds."""
        seen, since = -1, time.time()
        while True:
            count, _, last = self.ask()
            if count >= n:
                return last
            if count != seen:
                seen, since = count, time.time()
            elif time.time() - since > patience:
                sys.exit(f"bench: only {count} of {n} messages arrived")
            time.sleep(0.01)

    def stop(self):
        self.proc.stdin.close()
        self.proc.wait()


class Gate:
    """contestant.sh with the given settings."""

    def __init__(self, sink_port, **env):
        self.where = tempfile.NamedTemporaryFile("r", prefix="optgate-bench.")
        self.proc = subprocess.Popen([HERE / "contestant.sh", "127.0.0.1", str(sink_port)], stdout=subprocess.PIPE, text=True,
                                     env={**os.environ, **env, "WHERE": self.where.name})
        line = self.proc.stdout.readline().split()
        if len(line) != 3:
            sys.exit("bench: the gateway does not start")
        self.port, self.pid = int(line[1]), int(line[2])
        self.data, self.public = self.where.read().split()

    def cpu(self):
        f = open(f"/proc/{self.pid}/stat").read().rpartition(")")[2].split()
        return (int(f[11]) + int(f[12])) / TICK

    def peak_mib(self):
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.pid}/status").read()).group(1)) / 1024

    def stop(self):
        self.proc.terminate()
        self.proc.wait()
