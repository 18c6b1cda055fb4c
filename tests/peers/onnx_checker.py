"""Check models with onnx's own checker. Standard input: models, each after its size (u64, little-endian).

Prints one JSON list: null for a model that is accepted, else the complaint.
"""
import json
import struct
import sys

import onnx

complaints = []
data = sys.stdin.buffer.read()
offset = 0
while offset < len(data):
    (size,) = struct.unpack_from("<Q", data, offset)
    model = onnx.load_from_string(data[offset + 8 : offset + 8 + size])
    offset += 8 + size
    # onnx has no shape inference for the operators of other domains.
    standard = all(node.domain == "" for node in model.graph.node)
    try:
        onnx.checker.check_model(model, full_check=standard)
        complaints.append(None)
    except Exception as error:
        complaints.append(f"{type(error).__name__}: {error}")
json.dump(complaints, sys.stdout)
