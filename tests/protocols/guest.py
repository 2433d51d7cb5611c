"""Somebody in the chat room over datagrams or seqpacket: lines of input are said, what is heard is printed."""

import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../foreign"))
from endpoint import connect  # noqa: E402

client = connect(sys.argv[1])


def listen():
    while True:
        try:
            heard = client.recv(64 * 1024)
        except OSError:
            return
        # Seqpacket ends with nothing; nobody says nothing here.
        if not heard:
            return
        print(heard.decode(), flush=True)


listening = threading.Thread(target=listen, daemon=True)
listening.start()
for line in sys.stdin:
    client.send(line.rstrip("\n").encode())
client.send(b"/quit")
if client.type == socket.SOCK_SEQPACKET:
    listening.join()
