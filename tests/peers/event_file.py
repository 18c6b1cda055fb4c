"""Reads an event file with TensorBoard's own reader.

Usage: event_file.py FILE
"""

import hashlib
import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

accumulator = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "tensors": 0, "images": 0})
accumulator.Reload()
tags = accumulator.Tags()
result = {"scalars": {}, "texts": {}, "images": {}}
for tag in tags["scalars"]:
    result["scalars"][tag] = [[event.step, repr(event.value), event.wall_time] for event in accumulator.Scalars(tag)]
for tag in tags["tensors"]:
    plugin = accumulator.SummaryMetadata(tag).plugin_data.plugin_name
    for event in accumulator.Tensors(tag):
        value = event.tensor_proto.string_val[0].decode() if plugin == "text" else repr(event.tensor_proto.float_val[0])
        result["texts" if plugin == "text" else "scalars"].setdefault(tag, []).append([event.step, value])
for tag in tags["images"]:
    result["images"][tag] = [
        [event.step, event.width, event.height, hashlib.sha256(event.encoded_image_string).hexdigest()]
        for event in accumulator.Images(tag)
    ]
print(json.dumps(result))
