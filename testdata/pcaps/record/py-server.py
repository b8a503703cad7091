"""py-server echoes with the Python websockets library: py-server.py PORT"""

import asyncio
import sys

import websockets


async def echo(ws):
    async for message in ws:
        await ws.send(message)


async def main():
    async with websockets.serve(echo, None, int(sys.argv[1]), subprotocols=["chat"]):
        await asyncio.Future()


asyncio.run(main())
