"""Descriptors beside messages, both ways, over sockets that keep boundaries."""

import os
import socket
import sys

from endpoint import connect


def read_all(number):
    """All that comes until every other end is closed."""
    parts = []
    while part := os.read(number, 100):
        parts.append(part)
    os.close(number)
    return b"".join(parts)


with connect(sys.argv[1]) as client:
    # Two messages with descriptors, and one between them without.
    pipes = [os.pipe() for _ in range(3)]
    writers = [writer for _, writer in pipes]
    socket.send_fds(client, [b"two"], writers[:2])
    client.send(b"none")
    socket.send_fds(client, [b"one"], writers[2:])
    for writer in writers:
        os.close(writer)
    for number, (reader, _) in enumerate(pipes):
        assert read_all(reader) == b"from rust %d" % number

    # And back: each is close-on-exec as Python's own are.
    for message, count in (b"three", 3), (b"none", 0), (b"", 1):
        received, numbers, flags, _ = socket.recv_fds(client, 100, 10)
        assert (received, len(numbers)) == (message, count), (received, numbers)
        assert not flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC)
        for number in numbers:
            os.write(number, b"from python %d" % len(message))
            os.close(number)

print("ok")
