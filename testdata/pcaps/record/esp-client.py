"""esp-client behaves on the wire like an ESP32 with esp-idf v4.4.

It writes the request head of components/tcp_transport in the same order of
fields, with host:port in Host, and looks only for Sec-WebSocket-Accept in the
answer. Bytes that come behind the head in the last read are dropped, as those
releases do. After a failure it waits for its network timer and tries again.

    esp-client.py HOST PORT PATH [--attempts N] [--wait SECONDS]
                  [--first-port PORT] [--ntp ADDRESS] [--messages N]
"""

import argparse
import base64
import hashlib
import os
import socket
import struct
import sys
import time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BUFFER_SIZE = 1024  # CONFIG_WS_BUFFER_SIZE


def frame(opcode, payload):
    mask = os.urandom(4)
    body = bytes(b ^ mask[i & 3] for i, b in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + body


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        part = sock.recv(n - len(data))
        if not part:
            raise ConnectionError("closed")
        data += part
    return data


def read_frame(sock):
    head = read_exactly(sock, 2)
    size = head[1] & 0x7F
    if size == 126:
        size = struct.unpack(">H", read_exactly(sock, 2))[0]
    return head[0] & 0x0F, read_exactly(sock, size)


def handshake(sock, host, port, path):
    key = base64.b64encode(os.urandom(16))
    sock.sendall(
        b"GET %s HTTP/1.1\r\n"
        b"Connection: Upgrade\r\n"
        b"Host: %s:%d\r\n"
        b"User-Agent: ESP32 Websocket Client\r\n"
        b"Upgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: %s\r\n"
        b"\r\n" % (path.encode(), host.encode(), port, key)
    )
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < BUFFER_SIZE:
        part = sock.recv(BUFFER_SIZE - len(answer))
        if not part:
            return "Error read response for Upgrade header"
        answer += part
    at = answer.lower().find(b"sec-websocket-accept:")
    if at < 0:
        return "Sec-WebSocket-Accept not found"
    got = answer[at + 21:].split(b"\r\n")[0].strip()
    want = base64.b64encode(hashlib.sha1(key + GUID).digest())
    return "" if got == want else "Invalid websocket key"


def talk(sock, messages):
    for n in range(messages):
        sock.sendall(frame(1, b'{"seq":%d,"temperature":21.%d}' % (n, n)))
        read_frame(sock)
        time.sleep(0.2)
    sock.sendall(frame(9, b""))
    read_frame(sock)
    sock.sendall(frame(8, struct.pack(">H", 1000)))
    read_frame(sock)


def ntp(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(2)
    sock.sendto(b"\x1b" + bytes(47), (address, 123))
    try:
        sock.recv(64)
    except TimeoutError:
        pass
    sock.close()


def attempt(opt, local_port):
    info = socket.getaddrinfo(opt.host, opt.port, socket.AF_INET, socket.SOCK_STREAM)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(10)
    if local_port:
        sock.bind(("", local_port))
    try:
        sock.connect(info[0][4])
        problem = handshake(sock, opt.host, opt.port, opt.path)
        if not problem:
            print("connected", flush=True)
            talk(sock, opt.messages)
        return problem
    except OSError as err:
        return str(err)
    finally:
        sock.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--attempts", type=int, default=1)
    parser.add_argument("--wait", type=float, default=10)
    parser.add_argument("--first-port", type=int, default=0)
    parser.add_argument("--messages", type=int, default=2)
    parser.add_argument("--ntp")
    opt = parser.parse_args()

    if opt.ntp:
        ntp(opt.ntp)
    for n in range(opt.attempts):
        if n > 0:
            time.sleep(opt.wait)
        problem = attempt(opt, opt.first_port + n if opt.first_port else 0)
        if not problem:
            return
        print("E TRANSPORT_WS: " + problem, file=sys.stderr, flush=True)


main()
