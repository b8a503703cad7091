"""redirect-truth writes what a scenario of redirects.sh made happen into
redirects.json beside the capture.

The chains are those that the scenario stated. Each hop must be in the logs of
the servers with its status, and each line of the logs must be a hop. Frames
come from tshark: where the head of the request and of the response is
complete, and where a ClientHello is.

    redirect-truth.py CAPTURE NET-FOLDER SERVER-LOG ABOUT
"""

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


def same(url):
    """Return scheme, host, port, path and query as they are compared."""
    u = urlsplit(url)
    scheme = u.scheme.replace("ws", "http")
    return scheme, u.hostname, u.port or PORTS[scheme], u.path, u.query


MAX_HOPS = 20  # of a chain that are listed


def stated(path):
    """Yield the chains of redirects.sh, see its function chain."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            words = line.split()
            options = {}
            while "=" in words[0]:
                name, _, value = words.pop(0).partition("=")
                options[name] = value
            end, *hops = words
            yield {"from": options.get("FROM", "10.0.0.7").split(","), "again": int(options.get("AGAIN", 0)),
                   "end": end, "urls": hops[::2], "statuses": hops[1::2]}


def logged(path):
    """Yield URL and status of each request in the logs of the servers."""
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            if line.startswith("hop ") and "://-" not in line and "<BADREQ>" not in line:
                _, url, status = line.split()
                yield same(url), status
            elif line.startswith("{") and '"http.log.access' in line:  # Caddy
                entry = json.loads(line)
                request = entry["request"]
                scheme = "https" if "tls" in request else "http"
                # Caddy 2.6 has no status for a connection that was upgraded.
                yield same(f"{scheme}://{request['host']}{request['uri']}"), str(entry["status"] or 101)


def check_logs(chains, path):
    hops = [(same(url), status.removeprefix("tls:")) for c in chains
            for url, status in zip(c["urls"], c["statuses"])]
    want = sorted(hop for hop in hops if hop[1] != "-")
    got = sorted(logged(path))
    if got != want:
        sys.exit("redirect-truth.py: the servers logged\n  %s\nand the scenario states\n  %s" % (
            "\n  ".join(map(str, got)), "\n  ".join(map(str, want))))


def tshark(path, match, fields, *options):
    """Yield a dict for each packet that matches."""
    command = ["tshark", "-n", "-r", path, "-o", "tcp.reassemble_out_of_order:TRUE", *options,
               "-Y", match, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"]
    for field in fields:
        command += ["-e", field]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        yield dict(zip(fields, line.split("|")))


class Frames:
    """Frames finds the hops in a capture, in the order of the capture."""

    def __init__(self, path):
        ends = ["frame.number", "ip.src", "ipv6.src"]
        # A head counts when it is whole, not when its body is.
        http = ["-o", "http.desegment_body:FALSE", "-o", "http.tcp.port:1-65535"]
        self.requests = list(tshark(path, "http.request", ends + ["http.request.full_uri"], *http))
        self.responses = {r["http.request_in"]: r for r in tshark(
            path, "http.response", ["frame.number", "http.response.code", "http.request_in"], *http)}
        self.hellos = list(tshark(path, "tls.handshake.type == 1", ends + [
            "tls.handshake.extensions_server_name"], "-o", "tcp.try_heuristic_first:TRUE"))
        self.taken = set()

    def take(self, packets, client, match):
        for p in packets:
            if p["frame.number"] not in self.taken and client in (p["ip.src"], p["ipv6.src"]) and match(p):
                self.taken.add(p["frame.number"])
                return p["frame.number"]
        sys.exit(f"redirect-truth.py: tshark shows no such hop of {client}")

    def hop(self, client, url, status):
        """Return the frames of a hop, none if it was not asked for."""
        if status == "-":
            return []
        if status.startswith("tls:"):
            host = urlsplit(url).hostname
            return [int(self.take(self.hellos, client,
                                  lambda p: p["tls.handshake.extensions_server_name"] == host))]
        request = self.take(self.requests, client, lambda p: same(p["http.request.full_uri"]) == same(url))
        response = self.responses[request]
        if response["http.response.code"] != status:
            sys.exit(f"redirect-truth.py: {url} has status {response['http.response.code']} in the capture")
        return [int(request), int(response["frame.number"])]


def chain(c, frames):
    clients = c["from"] + c["from"][-1:] * len(c["urls"])
    found = [frames.hop(*hop) for hop in zip(clients, c["urls"], c["statuses"])]
    truth = {"client": clients[0], "urls": c["urls"][:MAX_HOPS],
             "statuses": [int(s) for s in c["statuses"] if s.isdigit()][:MAX_HOPS],
             "frames": [f for f in found if f][:MAX_HOPS], "end": c["end"]}
    if len(c["from"]) > 1:
        truth["clients"] = clients[:len(truth["frames"])]
    if c["again"]:
        truth["retry_of"] = c["again"]
    return truth


def names(path, capture):
    """Return the names that dnsmasq resolved, if the capture shows that."""
    asked = {p["dns.qry.name"] for p in tshark(capture, "dns.flags.response == 1", ["dns.qry.name"])}
    foreign = [name for name in asked if not name.endswith((".example.com", ".example.net"))]
    if foreign:
        sys.exit(f"redirect-truth.py: names that are not made up: {foreign}")
    found = {}
    with open(path, encoding="utf-8") as f:
        chased = None
        for line in f:
            words = line.split()
            if "config" not in words:
                continue
            _, name, _, address = words[words.index("config"):][:4]
            if address == "<CNAME>":
                chased = name
                continue
            if name not in asked and chased in asked:
                name = chased
            if name in asked and not address.startswith(("NODATA", "NXDOMAIN")) and address not in found.get(name, []):
                found.setdefault(name, []).append(address)
    return found


def host_name(path, capture):
    """Return the name in the lease of dnsmasq, if the capture shows that."""
    if not list(tshark(capture, "dhcp", ["frame.number"])):
        return None
    with open(path, encoding="utf-8") as f:
        return f.readline().split()[3]


def entry(name, truth):
    """Return the text of one capture in redirects.json, a line for each chain."""
    fields = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in truth.items() if key != "chains"]
    chains = ",\n    ".join(json.dumps(c) for c in truth["chains"])
    return f"{json.dumps(name)}: {{\n  " + ",\n  ".join(fields + [f'"chains": [\n    {chains}]']) + "}"


def main():
    capture, folder, log, about = sys.argv[1:]
    chains = list(stated(f"{folder}/truth"))
    check_logs(chains, log)
    frames = Frames(capture)
    truth = {"about": about, "chains": [chain(c, frames) for c in chains]}
    if found := names(f"{folder}/dns.log", capture):
        truth["names"] = found
    if name := host_name(f"{folder}/leases", capture):
        truth["host_name"] = name

    path = os.path.join(os.path.dirname(capture), "redirects.json")
    every = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            every = json.load(f)
    every[os.path.basename(capture)] = truth
    with open(path, "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(entry(*item) for item in sorted(every.items())) + "\n}\n")


main()
