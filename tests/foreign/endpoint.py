"""A connected socket for an endpoint, as anysock spells it."""

import socket

# No step takes longer, in seconds.
DEADLINE = 20


def connect(endpoint):
    """Connects by nothing but what the operating system offers."""
    scheme, rest = endpoint.split(":", 1)
    if scheme in ("tcp", "udp"):
        host, port = rest.removeprefix("//").rsplit(":", 1)
        family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
        kind = socket.SOCK_STREAM if scheme == "tcp" else socket.SOCK_DGRAM
        client = socket.socket(family, kind)
        address = (host.strip("[]"), int(port))
    else:
        kind = {
            "unix": socket.SOCK_STREAM,
            "unix-dgram": socket.SOCK_DGRAM,
            "unix-seqpacket": socket.SOCK_SEQPACKET,
        }[scheme]
        client = socket.socket(socket.AF_UNIX, kind)
        address = rest
        if kind == socket.SOCK_DGRAM:
            # A name that the kernel chooses, or there is nobody to answer.
            client.bind("")
    client.settimeout(DEADLINE)
    client.connect(address)
    return client
