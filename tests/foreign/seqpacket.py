"""Messages over SOCK_SEQPACKET, which keeps their boundaries."""

import socket
import sys

from endpoint import connect

# What echo takes at most, unless told otherwise.
MOST = 64 * 1024


def receive(client):
    """The next message, or None at the end.

    Both an empty message and end-of-file read as nothing; only a message comes with the
    credentials of its sender.
    """
    message, ancillary, flags, _ = client.recvmsg(MOST + 1, socket.CMSG_SPACE(12))
    assert not flags & socket.MSG_TRUNC
    return message if ancillary else None


def exchange(client, message):
    assert client.send(message) == len(message)
    assert receive(client) == message


with connect(sys.argv[1]) as client:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    exchange(client, b"")
    exchange(client, bytes(range(256)))
    exchange(client, bytes(i * 31 % 251 for i in range(MOST)))

    # One byte more is lost alone.
    client.send(bytes(MOST + 1))
    exchange(client, b"still there")

    pipelined = [b"message %d " % i * (i % 7) for i in range(100)]
    for message in pipelined:
        client.send(message)
    client.shutdown(socket.SHUT_WR)
    for message in pipelined:
        assert receive(client) == message
    assert receive(client) is None, "end-of-file behind the last message"

print("ok")
