"""py-client talks with the Python websockets library.

    py-client.py URL [SECONDS]

SECONDS is its pause before each message.
"""

import asyncio
import sys

import websockets


async def main():
    pause = float(sys.argv[2]) if len(sys.argv) > 2 else 0
    async with websockets.connect(sys.argv[1], subprotocols=["superchat", "chat"]) as ws:
        print("open", ws.subprotocol)
        for text in ("first", "second", "x" * 300):
            await asyncio.sleep(pause)
            await ws.send(text)
            print("message", len(await ws.recv()))
        await (await ws.ping())
    print("close", ws.close_code)


asyncio.run(main())
