"""broken-client asks for WebSockets with heads that servers refuse, each on a
connection of its own, and prints the first line of every answer.

    broken-client.py HOST PORT [KIND...]

Without a KIND it sends all of them, except unending, for which servers wait.
"""

import base64
import os
import socket
import sys
import time

LINE = b"GET /ws HTTP/1.1\r\n"


def head(host, line=LINE, host_line=None, more=b"", end=b"\r\n"):
    return (
        line
        + (host_line or b"Host: %s\r\n" % host)
        + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        + more
        + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n" % base64.b64encode(os.urandom(16))
        + end
    )


KINDS = {
    "right": lambda h: head(h),
    "large": lambda h: head(h, more=b"Cookie: state=%s\r\n" % (b"0123456789abcdef" * 1250)),
    "lower-case": lambda h: head(h, b"GET /ws http/1.1\r\n"),
    "no-version": lambda h: head(h, b"GET /ws\r\n"),
    "dotless": lambda h: head(h, b"GET /ws HTTP/11\r\n"),
    "tabs": lambda h: head(h, b"GET\t/ws\tHTTP/1.1\r\n"),
    "blanks": lambda h: head(h, b"GET  /ws HTTP/1.1\r\n"),
    "blank": lambda h: head(h, b"GET /ws?name=pump 7 HTTP/1.1\r\n"),
    "indent": lambda h: head(h, b" GET /ws HTTP/1.1\r\n"),
    "mark": lambda h: head(h, b"\xef\xbb\xbfGET /ws HTTP/1.1\r\n"),
    "nul": lambda h: head(h, b"GET /ws\x00 HTTP/1.1\r\n"),
    "no-slash": lambda h: head(h, b"GET ws HTTP/1.1\r\n"),
    "fragment": lambda h: head(h, b"GET /ws#live HTTP/1.1\r\n"),
    "latin": lambda h: head(h, b"GET /w\xe4rme HTTP/1.1\r\n"),
    "host-url": lambda h: head(h, host_line=b"Host: http://%s/ws\r\n" % h),
    "host-twice": lambda h: head(h, host_line=b"Host: %s\r\nHost: backend.example.com\r\n" % h),
    "host-blank": lambda h: head(h, host_line=b"Host: my device\r\n"),
    "host-missing": lambda h: head(h, host_line=b"X-Host: %s\r\n" % h),
    "nul-value": lambda h: head(h, more=b"User-Agent: device\x00\r\n"),
    "blank-name": lambda h: head(h, more=b"User Agent: device\r\n"),
    "space-colon": lambda h: head(h, more=b"User-Agent : device\r\n"),
    "no-colon": lambda h: head(h, more=b"device 7\r\n"),
    "version-twice": lambda h: head(h, more=b"Sec-WebSocket-Version: 13\r\n"),
    "length": lambda h: head(h, more=b"Content-Length: x\r\n"),
    "unending": lambda h: head(h, end=b""),
}


def answer(sock):
    data = b""
    while b"\n" not in data:
        part = sock.recv(4096)
        if not part:
            break
        data += part
    return data.split(b"\r\n")[0].decode("latin-1")


def ask(kind, host, port):
    with socket.create_connection((host, port), timeout=30) as sock:
        try:
            sock.sendall(KINDS[kind](host.encode()))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer came before the end
        try:
            return answer(sock)
        except ConnectionResetError:
            return "reset"


def main():
    host, port, kinds = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    for kind in kinds or [k for k in KINDS if k != "unending"]:
        print(f"{kind}: {ask(kind, host, port)}", flush=True)
        time.sleep(0.02)


main()
