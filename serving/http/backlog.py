"""The backlog of a listening socket: drained before the socket closes, so that clients see no reset.

The kernel resets connections that wait to be accepted when their listener closes. If clients reconnect
without pause, there is always one. On Linux, a filter therefore first drops new connection requests (SYN).
Clients repeat them after a second, and are then refused, like later ones.
"""

import asyncio
import ctypes
import select
import socket
import struct
import sys
import time

_SO_ATTACH_FILTER = 26
_DROP_SYN = (  # classic BPF on a TCP header: (code, jump if true, jump if false, operand)
    (0x30, 0, 0, 13),  # the flags
    (0x54, 0, 0, 0x12),  # of them SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone asks for a new connection:
    (0x06, 0, 0, 0),  # dropped;
    (0x06, 0, 0, 0xFFFFFFFF),  # all else passes
)
_HANDSHAKE_SECONDS = 0.1
"""How long a client may take to complete a handshake that has begun."""
_LONGEST_SECONDS = 1.0
"""When to give up if the backlog fills as fast as it is served, without a filter."""


async def serve_backlog(listener: socket.socket) -> None:
    """Returns when the event loop has accepted all waiting connections, or after a second.

    The caller must close the listener immediately afterwards.
    """
    filtered = _refuse_new(listener)
    begun = time.monotonic()
    while time.monotonic() < begun + _LONGEST_SECONDS:
        if not _waits(listener) and (not filtered or time.monotonic() > begun + _HANDSHAKE_SECONDS):
            return
        await asyncio.sleep(0.005 if filtered else 0)


def _refuse_new(listener: socket.socket) -> bool:
    """Attaches a filter that drops new connection requests; returns whether that worked."""
    if sys.platform != "linux":
        return False
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _DROP_SYN))
    described = struct.pack("HP", len(_DROP_SYN), ctypes.addressof(program))
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
    except OSError:  # a sandbox without filters
        return False
    return True


def _waits(listener: socket.socket) -> bool:
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
