"""Plain datagrams, over UDP or unix."""

import socket
import sys

from endpoint import connect

# Room for any datagram and one byte more, by which a longer one would show.
ROOM = 64 * 1024 + 1

# The longest: what UDP can carry, and what echo takes at most unless told otherwise.
LARGEST = {socket.AF_INET: 65507, socket.AF_INET6: 65527, socket.AF_UNIX: 64 * 1024}

# Unanswered datagrams at a time. A unix socket queues eleven, and UDP may drop what it likes:
# more than these could be lost by rights.
IN_FLIGHT = 8


def exchange(client, message):
    assert client.send(message) == len(message)
    assert client.recv(ROOM) == message


with connect(sys.argv[1]) as client:
    exchange(client, b"")
    exchange(client, bytes(range(256)))
    exchange(client, bytes(i * 31 % 251 for i in range(LARGEST[client.family])))

    pipelined = [b"message %d " % i * (i % 7 + 1) for i in range(100)]
    received = []
    for sent, message in enumerate(pipelined):
        if sent >= IN_FLIGHT:
            received.append(client.recv(ROOM))
        client.send(message)
    while len(received) < len(pipelined):
        received.append(client.recv(ROOM))
    # UDP keeps no order; each must come once, as it was sent.
    if client.family == socket.AF_UNIX:
        assert received == pipelined
    assert sorted(received) == sorted(pipelined)

print("ok")
