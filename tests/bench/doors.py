#!/usr/bin/python3
"""What the doors cost a Postfix that keeps its own queue: messages of 10 KiB, one recipient each, 20 connections, accepted by a Postfix alone,
with our policy service, with our milter (verdict, List-Unsubscribe pair, RSA-2048 and Ed25519 signatures), and with OpenDKIM as milter (one
RSA-2048 signature and nothing else). Contestants take turns; ratios to the Postfix alone are what to read."""
import argparse, pathlib, shutil, statistics, subprocess, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
from gate import CLIENT, Gate, Postfix, free_port

NOWHERE = "virtual_mailbox_domains =\nrelay_domains = sink.test\nrelay_transport = discard:\n"


class OpenDkim:
    def __init__(self, place):
        d = place / "opendkim"
        d.mkdir(mode=0o700)
        subprocess.run(["openssl", "genrsa", "-out", d / "key", "2048"], check=True, capture_output=True)
        self.port = free_port()
        (d / "conf").write_text(f"Mode s\nDomain acme.test\nSelector o\nKeyFile {d}/key\nCanonicalization relaxed/relaxed\nSocket inet:{self.port}@127.0.0.1\n"
                                f"RequireSafeKeys no\nInternalHosts 127.0.0.1\nSyslog no\n")
        self.proc = subprocess.Popen(["opendkim", "-f", "-x", d / "conf"], stderr=subprocess.DEVNULL)
        time.sleep(1)

    def stop(self):
        self.proc.terminate()
        self.proc.wait()


def gateway(place):
    keys = '{ domain = "acme.test"; selector = "r"; }, { domain = "acme.test"; selector = "e"; }'
    gate = Gate(place / "gate", clients=CLIENT.replace('streams = ["offers", "news", "receipts"]; ', ""), dkim=keys,
                extra='doors = { policy_listen = "127.0.0.1:0"; milter_listen = "127.0.0.1:0"; };')
    gate.tool("key", "new", "dkim", "acme.test", "r", "rsa")
    gate.tool("key", "new", "dkim", "acme.test", "e", "ed25519")
    gate.start()
    return gate


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("-n", type=int, default=4000)
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    place = pathlib.Path(tempfile.mkdtemp(prefix="optgate-doors."))
    gate, signer, made = gateway(place), OpenDkim(place), {}
    policy = gate.wait_log(r"gateway\.door policy=(\S+)").group(1)
    milter = gate.wait_log(r"gateway\.door milter=(\S+)").group(1)
    try:
        for name, main_cf in (("alone", ""), ("policy", f"smtpd_recipient_restrictions = check_policy_service inet:{policy}, permit_mynetworks, reject"),
                              ("milter", f"smtpd_milters = inet:{milter}"), ("opendkim", f"smtpd_milters = inet:127.0.0.1:{signer.port}")):
            made[name] = Postfix(place / name, NOWHERE + main_cf).start()
        rates = {name: [] for name in made}
        for rnd in range(a.rounds):
            order = list(made)[rnd % len(made):] + list(made)[:rnd % len(made)]
            for name in order:
                began = time.time()
                subprocess.run(["smtp-source", "-N", "-d", "-s", "20", "-l", "10240", "-m", str(a.n), "-f", "news@acme.test", "-t", "live@sink.test",
                                "-S", "This week", f"127.0.0.1:{made[name].port}"], check=True, stdout=subprocess.DEVNULL)
                rates[name].append(a.n / (time.time() - began))
                print(f"  round {rnd} {name:9} {rates[name][-1]:7.0f} accepted/s", flush=True)
        for name in made:
            print(f"doors, {name}: {statistics.median(rates[name]):.0f}/s = {statistics.median(x / y for x, y in zip(rates[name], rates['alone'])):.2f} x Postfix alone")
    finally:
        for m in made.values():
            m.stop()
        signer.stop()
        gate.end()
        shutil.rmtree(place, ignore_errors=True)


main()
