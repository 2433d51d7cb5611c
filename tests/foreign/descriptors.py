"""Descriptors by socket.send_fds and recv_fds, on a stream of messages behind four bytes of length.

The socket is standard input. What is passed is the writing end of a pipe, whose reader then finds
what the other side has written to it; or the reading end, with something to read.
"""

import os
import socket
import struct

DEADLINE = 20

client = socket.socket(fileno=0)
client.settimeout(DEADLINE)


def frame(message):
    return struct.pack("!I", len(message)) + message


def readers(texts):
    """For each text a descriptor from which it can be read."""
    descriptors = []
    for text in texts:
        reader, writer = os.pipe()
        os.write(writer, text)
        os.close(writer)
        descriptors.append(reader)
    return descriptors


def send(message, texts, whole=True):
    """A message, and descriptors by which the texts can be read."""
    descriptors = readers(texts)
    if whole:
        socket.send_fds(client, [frame(message)], descriptors)
    else:
        # The header by a call of its own, the descriptors with the payload.
        client.sendall(frame(message)[:4])
        socket.send_fds(client, [message], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)


def receive(expected, count):
    """One frame with just so many descriptors; what can be read by them."""
    length = 4 + len(expected)
    data, descriptors, flags, _ = socket.recv_fds(client, length, 253)
    assert not flags & socket.MSG_CTRUNC
    while len(data) < length:
        more = client.recv(length - len(data))
        assert more, "end-of-file inside a frame"
        data += more
    assert data == frame(expected), (data, expected)
    assert len(descriptors) == count, (expected, len(descriptors), count)
    texts = []
    for descriptor in descriptors:
        texts.append(os.read(descriptor, 100))
        os.close(descriptor)
    return texts


# There: none, one, some, as many as there may be; between plain ones; by either way.
for whole in (True, False):
    client.sendall(frame(b"plain"))
    for count in (1, 2, 3, 253):
        send(b"%d of them" % count, [b"text %d" % i for i in range(count)], whole)
        client.sendall(frame(b"plain"))

# And back.
for count in (0, 1, 2, 3, 253):
    assert receive(b"%d of them" % count, count) == [b"text %d" % i for i in range(count)]
    assert receive(b"plain", 0) == []

client.shutdown(socket.SHUT_WR)
assert client.recv(1) == b""
print("ok")
