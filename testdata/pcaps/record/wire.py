"""wire joins two interfaces and loses, delays and repeats TCP segments.

Each frame that comes in at one interface goes out at the other. What becomes
of the n-th TCP segment of a direction follows from SEED, the direction and n
alone; whatever is not TCP passes.

    wire.py IF1 IF2 SEED
"""

import heapq
import random
import select
import socket
import sys
import time

ETH_P_ALL = 3
LOST, DELAYED, REPEATED = 0.10, 0.15, 0.08  # shares of the segments
DELAY = 0.03  # seconds, long enough for those behind it to pass
PROTOCOL_AT = {b"\x08\x00": 23, b"\x86\xdd": 20}  # by EtherType: IPv4, IPv6


def is_tcp(frame):
    at = PROTOCOL_AT.get(frame[12:14], len(frame))
    return at < len(frame) and frame[at] == socket.IPPROTO_TCP


def delays(seed, direction, n):
    """Return after how many seconds each copy of the n-th segment goes out."""
    chance = random.Random(f"{seed}/{direction}/{n}").random()
    if chance < LOST:
        return []
    if chance < LOST + DELAYED:
        return [DELAY]
    if chance < LOST + DELAYED + REPEATED:
        return [0, DELAY]
    return [0]


def open_interface(name):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.bind((name, 0))
    return sock


def main():
    ends = [open_interface(name) for name in sys.argv[1:3]]
    seen = [0, 0]  # TCP segments of each direction
    waiting = []  # (time to go out, order, end, frame)
    order = 0
    while True:
        wait = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for sock in select.select(ends, [], [], wait)[0]:
            frame, (_, _, kind, _, _) = sock.recvfrom(65536)
            if kind == socket.PACKET_OUTGOING:
                continue  # what this program sent itself
            side = ends.index(sock)
            plan = [0]
            if is_tcp(frame):
                plan = delays(sys.argv[3], side, seen[side])
                seen[side] += 1
            for delay in plan:
                order += 1
                heapq.heappush(waiting, (time.monotonic() + delay, order, ends[1 - side], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, frame = heapq.heappop(waiting)
            end.send(frame)


main()
