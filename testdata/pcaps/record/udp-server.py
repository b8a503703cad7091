"""udp-server answers DNS queries for A records and NTP requests.

It makes the background traffic of a capture and resolves the names of its
clients. Every name given resolves to its address; others do not exist.

    udp-server.py NAME=ADDRESS...
"""

import selectors
import socket
import struct
import sys
import time

NAMES = dict(arg.split("=") for arg in sys.argv[1:])


def dns(query):
    if len(query) < 17:
        return b""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12:at + 5]
    qtype = struct.unpack(">H", query[at + 1:at + 3])[0]
    address = NAMES.get(".".join(labels).lower())
    answers = b""
    if address and qtype == 1:
        answers = struct.pack(">HHHIH", 0xC00C, 1, 1, 60, 4) + socket.inet_aton(address)
    flags = 0x8180 if address else 0x8183
    counts = struct.pack(">HHHH", 1, 1 if answers else 0, 0, 0)
    return query[:2] + struct.pack(">H", flags) + counts + question + answers


def ntp(_):
    now = struct.pack(">II", int(time.time()) + 2208988800, 0)
    return b"\x1c\x02\x06\xec" + bytes(8) + b"LOCL" + now + bytes(8) + now + now


def main():
    selector = selectors.DefaultSelector()
    for port, answer in ((53, dns), (123, ntp)):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("", port))
        selector.register(sock, selectors.EVENT_READ, answer)
    while True:
        for key, _ in selector.select():
            data, peer = key.fileobj.recvfrom(512)
            reply = key.data(data)
            if reply:
                key.fileobj.sendto(reply, peer)


main()
