"""raw-server answers WebSocket handshakes in ways that libraries do not.

The path of the request selects the answer:

    /split        head sent one byte at a time
    /halves       head sent in two segments, cut inside Sec-WebSocket-Accept
    /coalesced    head and first text frame in one write
    /big          head and a 16 kB binary frame in one write
    /wrong-guid   Accept made with two groups of the GUID exchanged
    /hex-digest   Accept is the hexadecimal digest
    /decoded-key  Accept made from the 16 decoded bytes of the key
    /echo-key     Accept is the key itself
    /no-accept    101 without Accept
    /two-accepts  the right Accept line twice
    /lf-only      head with bare line feeds
    /http10       right answer in HTTP/1.0
    /keep-alive   Connection: keep-alive, Upgrade
    /no-upgrade   101 without Upgrade
    /rst          connection reset after the request
    /silent       no answer, closed after three seconds
    other         right answer

Text frames are echoed and pings are answered until a close frame comes.

    raw-server.py PORT
"""

import base64
import hashlib
import socket
import struct
import sys
import threading
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WRONG_GUID = b"258EAFA5-47DA-E914-95CA-C5AB0DC85B11"


def accept_of(key, guid=GUID):
    return base64.b64encode(hashlib.sha1(key + guid).digest())


def frame(opcode, payload):
    head = bytes([0x80 | opcode])
    if len(payload) < 126:
        head += bytes([len(payload)])
    else:
        head += struct.pack(">BH", 126, len(payload))
    return head + payload


def answer(mode, key):
    """Return the head that answers key in the given mode."""
    status = b"HTTP/1.1 101 Switching Protocols"
    upgrade = [b"Upgrade: websocket"]
    connection = [b"Connection: Upgrade"]
    accept = [b"Sec-WebSocket-Accept: " + accept_of(key)]
    end = b"\r\n"
    if mode == "wrong-guid":
        accept = [b"Sec-WebSocket-Accept: " + accept_of(key, WRONG_GUID)]
    elif mode == "hex-digest":
        accept = [b"Sec-WebSocket-Accept: " + hashlib.sha1(key + GUID).hexdigest().encode()]
    elif mode == "decoded-key":
        accept = [b"Sec-WebSocket-Accept: " + accept_of(base64.b64decode(key))]
    elif mode == "echo-key":
        accept = [b"Sec-WebSocket-Accept: " + key]
    elif mode == "no-accept":
        accept = []
    elif mode == "two-accepts":
        accept *= 2
    elif mode == "lf-only":
        end = b"\n"
    elif mode == "http10":
        status = b"HTTP/1.0 101 Switching Protocols"
    elif mode == "keep-alive":
        connection = [b"Connection: keep-alive, Upgrade"]
    elif mode == "no-upgrade":
        upgrade = []
    return end.join([status] + upgrade + connection + accept + [b"", b""])


def send(sock, mode, head):
    if mode == "split":
        for n in range(len(head)):
            sock.sendall(head[n:n + 1])
            time.sleep(0.002)
    elif mode == "halves":
        cut = head.index(b"Sec-WebSocket-Accept") + 10
        sock.sendall(head[:cut])
        time.sleep(0.3)
        sock.sendall(head[cut:])
    elif mode == "coalesced":
        sock.sendall(head + frame(1, b"first message"))
    elif mode == "big":
        sock.sendall(head + frame(2, bytes(range(256)) * 64))
    else:
        sock.sendall(head)


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise ConnectionError("closed")
        data += part
    return data


def echo(sock):
    while True:
        first, second = read_exactly(sock, 2)
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", read_exactly(sock, 2))[0]
        mask = read_exactly(sock, 4) if second & 0x80 else bytes(4)
        body = read_exactly(sock, size)
        body = bytes(b ^ mask[i & 3] for i, b in enumerate(body))
        opcode = first & 0x0F
        sock.sendall(frame(10 if opcode == 9 else opcode, body))
        if opcode == 8:
            return


def serve(sock):
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b""
        while b"\r\n\r\n" not in request:
            part = sock.recv(4096)
            if not part:
                return
            request += part
        lines = request.split(b"\r\n")
        mode = lines[0].split(b" ")[1].decode().lstrip("/")
        key = b""
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"sec-websocket-key":
                key = value.strip()
        if mode == "rst":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if mode == "silent":
            time.sleep(3)
            return
        send(sock, mode, answer(mode, key))
        echo(sock)
    except (OSError, ValueError):
        pass
    finally:
        sock.close()


def main():
    server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        sock, _ = server.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


main()
