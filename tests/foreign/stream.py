"""Messages behind a length of four bytes over a stream, compared as the raw bytes they are."""

import socket
import struct
import sys

from endpoint import connect

# What echo takes at most, unless told otherwise.
MOST = 1024 * 1024


def frame(message):
    return struct.pack("!I", len(message)) + message


def read(client, length):
    """Just so many bytes."""
    parts = b""
    while len(parts) < length:
        part = client.recv(length - len(parts))
        assert part, f"end-of-file after {len(parts)} of {length} bytes"
        parts += part
    return parts


def exchange(client, message):
    client.sendall(frame(message))
    assert read(client, 4 + len(message)) == frame(message)


endpoint = sys.argv[1]

with connect(endpoint) as client:
    exchange(client, b"")
    exchange(client, bytes(range(256)))
    exchange(client, bytes(i * 31 % 251 for i in range(MOST)))

    pipelined = b"".join(frame(b"message %d " % i * (i % 7)) for i in range(100))
    client.sendall(pipelined)
    client.shutdown(socket.SHUT_WR)
    assert read(client, len(pipelined)) == pipelined
    assert client.recv(1) == b"", "end-of-file behind the last message"

# A frame that arrives byte by byte is a frame.
with connect(endpoint) as client:
    for byte in frame(b"slow"):
        client.sendall(bytes([byte]))
    assert read(client, 8) == frame(b"slow")

# One byte more than is taken ends the connection, and no other.
with connect(endpoint) as client:
    client.sendall(struct.pack("!I", MOST + 1))
    try:
        assert client.recv(1) == b""
    except ConnectionResetError:
        pass

# End-of-file inside a message is answered by end-of-file.
with connect(endpoint) as client:
    client.sendall(frame(b"cut off")[:-1])
    client.shutdown(socket.SHUT_WR)
    try:
        assert client.recv(1) == b""
    except ConnectionResetError:
        pass

with connect(endpoint) as client:
    exchange(client, b"still there")

print("ok")
