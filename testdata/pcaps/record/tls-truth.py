"""tls-truth writes what a scenario of tls.sh made happen into tls.json beside the
capture, and the lines of the key log that the capture needs.

Verdict and codes of a connection are those that the scenario stated, without keys
and with them. So are incidents. What the handshake shows comes from tshark, for
each tcp.stream. With a key log, tshark also tells what is inside.

    tls-truth.py CAPTURE NET-FOLDER ABOUT
"""

import fcntl
import hashlib
import json
import os
import subprocess
import sys

RETRY = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"  # random of a HelloRetryRequest


def stated(path):
    """Yield the connections of tls.sh, see its function states."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            client, said, truth = line.rstrip("\n").split("\t")
            truth, _, keyed = truth.partition(" / ")
            yield {"client": client, "said": said, **judged(truth), **({"keyed": judged(keyed)} if keyed else {})}


def judged(truth):
    verdict, *codes = truth.split()
    return {"verdict": verdict, "codes": codes}


def incidents(path):
    """Return what the scenario stated of connections together."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        return [dict(zip(("code", "server"), line.split())) for line in f]


def tshark(path, match, fields, *options):
    """Yield a dict of lists for each packet that matches."""
    command = ["tshark", "-n", "-r", path, "-o", "tcp.reassemble_out_of_order:TRUE", "-o", "tcp.try_heuristic_first:TRUE",
               *options, "-Y", match, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=|"]
    for field in fields:
        command += ["-e", field]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        yield {name: value.split("|") if value else [] for name, value in zip(fields, line.split("\t"))}


def subject(der):
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-serial", "-nameopt", "RFC2253"],
                          input=der, check=True, capture_output=True).stdout.decode()
    return dict(line.split("=", 1) for line in text.splitlines())


def certificate(text):
    der = bytes.fromhex(text)
    return {"sha256": hashlib.sha256(der).hexdigest(), **subject(der)}


def ja4(packet):
    """Return the JA4 of a ClientHello (github.com/FoxIO-LLC/ja4, technical_details/JA4.md)."""
    of = lambda name: packet["tls.handshake." + name]
    real = lambda values: [v for v in values if v[:2] != v[2:] or v[1] != "a"]  # without GREASE
    hexed = lambda values: real([f"{int(v, 0):04x}" for v in values])
    digest = lambda text, values: hashlib.sha256(text.encode()).hexdigest()[:12] if values else 12 * "0"
    kinds = hexed(of("extension.type"))
    suites = sorted(hexed(of("ciphersuite")))
    rest = sorted(k for k in kinds if k not in ("0000", "0010"))
    # Other extensions have lists of signature algorithms, too.
    signatures, lists = [], [k for k in kinds if k in ("000d", "0022", "0032")]
    at = 0
    for kind, size in zip(lists, map(int, of("sig_hash_alg_len"))):
        if kind == "000d":
            signatures = hexed(of("sig_hash_alg")[at:at + size // 2])
        at += size // 2
    version = max(hexed(of("extensions.supported_version")) or hexed(of("version")))
    alpn = next((name.encode() for name in of("extensions_alpn_str")), b"")
    ends = alpn[:1] + alpn[-1:]
    if not ends.isalnum():
        ends = (alpn.hex()[:1] + alpn.hex()[-1:] or "00").encode()
    return "_".join([
        "t" + {"0304": "13", "0303": "12", "0302": "11", "0301": "10", "0300": "s3"}.get(version, "00")
        + ("d" if "0000" in kinds else "i") + f"{min(len(suites), 99):02}{min(len(kinds), 99):02}" + ends.decode(),
        digest(",".join(suites), suites),
        digest(",".join(rest) + ("_" + ",".join(signatures) if signatures else ""), rest)])


class Handshakes:
    """Handshakes are the clear parts of the handshakes in a capture."""

    FIELDS = ["frame.number", "tcp.stream", "tcp.srcport", "tls.handshake.type", "tls.handshake.random",
              "tls.handshake.version", "tls.handshake.extensions.supported_version", "tls.handshake.ciphersuite",
              "tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str", "tls.handshake.ja3",
              "tls.handshake.extension.type", "tls.handshake.sig_hash_alg", "tls.handshake.sig_hash_alg_len",
              "tls.handshake.certificate", "tls.alert_message.level", "tls.alert_message.desc"]

    def __init__(self, path):
        self.by_stream = {}
        self.clients = {int(p["tcp.stream"][0]): p["tcp.srcport"][0] for p in tshark(
            path, "tcp.flags.syn == 1 && tcp.flags.ack == 0", ["tcp.stream", "tcp.srcport"])}
        # Without a key log, so that only what is in the clear counts.
        for packet in tshark(path, "tls", self.FIELDS, "-o", "tls.keylog_file:"):
            stream = int(packet["tcp.stream"][0])
            side = "client" if packet["tcp.srcport"][0] == self.clients.get(stream) else "server"
            self.add(self.by_stream.setdefault(stream, {}), packet, side)

    def add(self, shown, packet, side):
        of = lambda name: packet["tls.handshake." + name]
        frame = int(packet["frame.number"][0])
        types = of("type")
        if "1" in types and "ja3" not in shown:
            shown["server_name"] = (of("extensions_server_name") or [""])[0]
            shown["alpn_offered"] = of("extensions_alpn_str")
            shown["ja3"] = of("ja3")[0]
            shown["ja4"] = ja4(packet)
        if "2" in types and of("random")[0] == RETRY:
            shown["retry"] = True
        elif "2" in types:
            shown["version"] = (of("extensions.supported_version") or of("version"))[0]
            shown["suite"] = of("ciphersuite")[0]
            shown["alpn"] = (of("extensions_alpn_str") or [""])[0]
        if side == "server" and of("certificate"):
            shown["certificates"] = [certificate(c) for c in of("certificate")]
        for level, code in zip(packet["tls.alert_message.level"], packet["tls.alert_message.desc"]):
            shown.setdefault("alerts", []).append({"by": side, "level": int(level), "code": int(code), "frame": frame})


def inside(path, options, clients):
    """Return what tshark shows inside TLS, and in plain HTTP, by stream: without CONNECT,
    and of what goes through a tunnel what is inside TLS."""
    found = {}
    tunnels = set()
    fields = ["tcp.stream", "tcp.srcport", "tls.record.length", "http.request.method", "http.request.uri", "http.response.code",
              "http2.headers.method", "http2.headers.path", "http2.headers.status", "websocket.opcode",
              "tls.alert_message.desc"]
    for p in tshark(path, "http || http2 || websocket || tls.alert_message", fields, *options):
        stream = int(p["tcp.stream"][0])
        side = "client" if p["tcp.srcport"][0] == clients.get(stream) else "server"
        if "CONNECT" in p["http.request.method"]:
            tunnels.add(stream)
        if stream in tunnels and not p["tls.record.length"]:
            continue
        here = found.setdefault(stream, {})
        add = lambda name, values: here.setdefault(name, []).extend(values) if values else None
        add("requests", [" ".join(x) for x in zip(p["http.request.method"], p["http.request.uri"])])
        add("statuses", [int(x) for x in p["http.response.code"]])
        add("h2_requests", [" ".join(x) for x in zip(p["http2.headers.method"], p["http2.headers.path"])])
        add("h2_statuses", [int(x) for x in p["http2.headers.status"]])
        add(f"{side}_opcodes", [int(x) for x in p["websocket.opcode"]])
        add(f"{side}_alerts", [int(x) for x in p["tls.alert_message.desc"]])
    return {stream: here for stream, here in found.items() if here}


def secrets(capture, folder):
    """Keep the secrets beside the capture and return the options of tshark."""
    stem = os.path.splitext(capture)[0]
    if os.path.exists(f"{folder}/keep.key"):
        with open(f"{folder}/keep.key", encoding="ascii") as f, open(stem + ".key", "w", encoding="ascii") as kept:
            kept.write(f.read())
        return ["-o", f'uat:rsa_keys:"{stem}.key",""']
    if not os.path.exists(f"{folder}/keys"):
        return []
    randoms = {r for p in tshark(capture, "tls.handshake.type == 1", ["tls.handshake.random"]) for r in p["tls.handshake.random"]}
    with open(f"{folder}/keys", encoding="ascii") as f:
        lines = sorted({line for line in f if len(line.split()) == 3 and line.split()[1] in randoms})
    if not lines:
        return []
    with open(stem + ".keys", "w", encoding="ascii") as f:
        f.writelines(lines)
    return ["-o", f"tls.keylog_file:{stem}.keys"]


def entry(name, truth):
    """Return the text of one capture in tls.json, a line for each connection."""
    conns = ",\n    ".join(json.dumps(c) for c in truth["conns"])
    together = f'  "incidents": {json.dumps(truth["incidents"])},\n' if truth.get("incidents") else ""
    return f'{json.dumps(name)}: {{\n  "about": {json.dumps(truth["about"])},\n{together}  "conns": [\n    {conns}]}}'


def main():
    capture, folder, about = sys.argv[1:]
    shown = Handshakes(capture)
    within = inside(capture, secrets(capture, folder), shown.clients)
    conns = list(stated(f"{folder}/truth"))
    if len(conns) != len(shown.clients):
        sys.exit(f"tls-truth.py: {len(shown.clients)} connections, and the scenario states {len(conns)}")
    for stream, conn in enumerate(conns):
        conn["stream"] = stream
        if stream in shown.by_stream:
            conn["tls"] = shown.by_stream[stream]
        if stream in within:
            conn["inside"] = within[stream]

    path = os.path.join(os.path.dirname(capture), "tls.json")
    with open(path, "a+", encoding="utf-8") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.seek(0)
        every = json.loads(f.read() or "{}")
        every[os.path.basename(capture)] = {"about": about, "incidents": incidents(f"{folder}/incidents"), "conns": conns}
        f.truncate(0)
        f.write("{\n" + ",\n".join(entry(*item) for item in sorted(every.items())) + "\n}\n")


main()
