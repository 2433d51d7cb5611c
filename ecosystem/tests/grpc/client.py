"""Generates a client from a .proto, and makes each kind of call: client.py PROTO TARGET.."""

import importlib
import os
import sys
import tempfile

import grpc
from grpc_tools import protoc


def generated(proto, directory):
    options = [f"-I{os.path.dirname(proto)}", f"--python_out={directory}"]
    options += [f"--grpc_python_out={directory}", proto]
    if protoc.main(["protoc", *options]) != 0:
        sys.exit("protoc has failed")
    sys.path.insert(0, directory)
    return importlib.import_module("words_pb2"), importlib.import_module("words_pb2_grpc")


def ask(target, pb2, pb2_grpc):
    # Over a unix socket gRPC names the encoded path as the authority, which HTTP/2 servers refuse.
    options = [("grpc.default_authority", "localhost")]
    with grpc.insecure_channel(target, options) as channel:
        words = pb2_grpc.WordsStub(channel)
        upper, call = words.Upper.with_call(pb2.Text(text="one"), timeout=30)
        over = dict(call.initial_metadata())["over"]
        numbers = [each.number for each in words.Count(pb2.Most(most=5000), timeout=30)]
        assert numbers == list(range(1, 5001)), numbers
        texts = [f"text {number}" for number in range(100)]
        echoes = words.Echo((pb2.Text(text=text) for text in texts), timeout=30)
        echoes = [echo.text for echo in echoes]
        assert echoes == texts, echoes
        try:
            words.Upper(pb2.Text(), timeout=30)
            sys.exit("an empty text was put in capitals")
        except grpc.RpcError as error:
            refusal = error.code().name
        told = f"{target}: {upper.text} over {over}, counted to {len(numbers)}"
        print(f"{told}, echoed {len(echoes)}, {refusal}")


with tempfile.TemporaryDirectory() as directory:
    modules = generated(os.path.abspath(sys.argv[1]), directory)
    for target in sys.argv[2:]:
        ask(target, *modules)
