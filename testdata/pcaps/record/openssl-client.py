"""openssl-client opens a WebSocket through openssl s_client, sends a message now
and then and closes. What openssl and the server say goes to standard output.

    openssl-client.py [--messages N] [--every SECONDS] [--update] [--early FILE]
        -- S_CLIENT-ARGUMENT...

With --update both sides change their keys before the third message (TLS 1.3).
With --early the request is early data, which goes through FILE.
"""

import argparse
import base64
import os
import subprocess
import threading
import time


def frame(opcode, text):
    mask = os.urandom(4)
    body = bytes(b ^ mask[i & 3] for i, b in enumerate(text))
    return bytes([0x80 | opcode, 0x80 | len(body)]) + mask + body


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=6)
    parser.add_argument("--every", type=float, default=2.2)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--early")
    parser.add_argument("rest", nargs="+")
    args = parser.parse_args()

    request = (b"GET /ws HTTP/1.1\r\nHost: ws.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
    command = ["openssl", "s_client", *args.rest]
    if args.early:
        with open(args.early, "wb") as f:
            f.write(request)
        command += ["-early_data", args.early]
    openssl = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    output = []

    def read():
        for data in iter(lambda: openssl.stdout.read(4096), b""):
            output.append(data)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()

    def say(data):
        openssl.stdin.write(data)
        time.sleep(args.every)

    try:
        time.sleep(0.5)  # so that the command of the next line is not taken for data
        if not args.early:
            openssl.stdin.write(request)
        time.sleep(0.5)
        for n in range(args.messages):
            if args.update and n == 2:
                openssl.stdin.write(b"K\n")
                time.sleep(0.3)
            say(frame(1, b"message %d" % (n + 1)))
        say(frame(8, b"\x03\xe8"))
        openssl.stdin.close()
    except BrokenPipeError:
        pass
    openssl.wait(20)
    reader.join(2)
    print(b"".join(output).decode("latin-1"))


main()
