"""The protobuf messages of everything that crosses a process, and the code that protoc makes of them.

`*_pb2.py`, `*_pb2_grpc.py` and their `.pyi` are generated: `python -m noderr.types.wire.generate` writes them anew, and
a test fails when they differ from what the `.proto` files give.
"""
