"""summary lists the WebSocket attempts of captures as rows of a table.

Values come from tshark; the last column compares Sec-WebSocket-Accept with
the value computed from the key.

    summary.py FILE...
"""

import base64
import hashlib
import subprocess
import sys

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
FIELDS = [
    "frame.number", "tcp.stream", "http.request.method", "http.request.uri",
    "http.response.code", "http.upgrade", "http.sec_websocket_key", "http.sec_websocket_accept",
]


def rows(path):
    """Yield a dict for each HTTP message of the capture."""
    command = ["tshark", "-r", path, "-o", "tcp.reassemble_out_of_order:TRUE",
               "-Y", "http.request or http.response", "-T", "fields", "-E", "separator=|"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        yield dict(zip(FIELDS, line.split("|")))


def verdict(key, accept):
    if not accept:
        return "none"
    want = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    values = accept.split(",")  # tshark joins repeated fields
    word = "right" if set(values) == {want} else "wrong"
    return f"`{values[0]}` {word}" + (", sent twice" if len(values) == 2 else "")


def attempts(path):
    """Yield (request, response) pairs in which one side speaks of an upgrade."""
    waiting = {}
    for row in rows(path):
        stream = row["tcp.stream"]
        if row["http.request.method"]:
            if stream in waiting:
                yield waiting.pop(stream), None
            waiting[stream] = row
        elif stream in waiting:
            yield waiting.pop(stream), row
    for request in waiting.values():
        yield request, None


def main():
    print("| tcp.stream | request frame | request | status | Sec-WebSocket-Key | Sec-WebSocket-Accept |")
    print("|---|---|---|---|---|---|")
    for path in sys.argv[1:]:
        pairs = sorted(attempts(path), key=lambda pair: int(pair[0]["frame.number"]))
        for request, response in pairs:
            response = response or dict.fromkeys(FIELDS, "")
            key = request["http.sec_websocket_key"]
            if not (key or request["http.upgrade"] or request["http.request.method"] == "CONNECT"):
                continue
            print("|", " | ".join([
                request["tcp.stream"], request["frame.number"],
                request["http.request.method"] + " " + request["http.request.uri"],
                response["http.response.code"] or "none",
                f"`{key}`" if key else "none", verdict(key, response["http.sec_websocket_accept"]),
            ]), "|")


main()
