"""tls-peer is one side of a TLS handshake that goes wrong.

    tls-peer.py serve PORT MODE        close, reset, or silent after the ClientHello
    tls-peer.py stop HOST PORT MODE    send a ClientHello, read what the server
                                       sends first, then close or reset
    tls-peer.py leave HOST PORT        send a ClientHello and close after a second

The client of stop takes another argument, the highest version: 1.2 or 1.3.
"""

import socket
import ssl
import struct
import sys
import time


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def serve(port, mode):
    server = socket.create_server(("0.0.0.0", int(port)))
    open_ones = []
    while True:
        sock, _ = server.accept()
        sock.recv(4096)
        if mode == "silent":
            open_ones.append(sock)
            continue
        if mode == "reset":
            reset(sock)
        sock.close()


def hello(host, port, version="1.3"):
    """Return a connection on which a ClientHello was sent."""
    context = ssl.create_default_context()
    if version == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=host)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    sock = socket.create_connection((host, int(port)))
    sock.sendall(outgoing.read())
    return sock


def stop(host, port, mode, *version):
    sock = hello(host, port, *version)
    sock.settimeout(0.7)
    size = 0
    try:
        while data := sock.recv(65536):
            size += len(data)
    except TimeoutError:
        pass
    print("read", size)
    if mode == "reset":
        reset(sock)
    sock.close()


def leave(host, port):
    sock = hello(host, port)
    time.sleep(1)
    sock.close()
    print("left")


{"serve": serve, "stop": stop, "leave": leave}[sys.argv[1]](*sys.argv[2:])
