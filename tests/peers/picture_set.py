"""SegFormer's image processors of transformers over a folder of pictures, for tests/peers/picture_set_test.ts.

    python picture_set.py folder/ '{"a": {"size": [70, 50], "mode": "RGB"}, …}' '[{"size": {…}, "do_reduce_labels": true, …}, …]'

Draws pictures and label maps into folder/images and folder/labels, saves the configurations of the processors to folder/0,
folder/1, …, and prints pixel values and labels by name for each: as Pillow makes them, and as torchvision does where it is
installed.
"""

import json
import os
import sys

import numpy as np
import vision  # noqa: F401
from PIL import Image
from transformers import SegformerImageProcessor, SegformerImageProcessorPil
from transformers.utils import is_torchvision_available

folder, pictures, options = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
for name in ("images", "labels"):
    os.makedirs(f"{folder}/{name}", exist_ok=True)
random = np.random.default_rng(0)
backends = {"pillow": SegformerImageProcessorPil}
if is_torchvision_available():
    backends["torchvision"] = SegformerImageProcessor
results = [{name: {} for name in backends} for _ in options]
for index, each in enumerate(options):
    SegformerImageProcessorPil(**each).save_pretrained(f"{folder}/{index}")


def prepared(processor, name, labels):
    output = processor(
        Image.open(f"{folder}/images/{name}.png").convert("RGB"),
        segmentation_maps=Image.fromarray(labels),
        return_tensors="np",
    )
    return {
        "shape": list(output["pixel_values"][0].shape),
        "pixels": np.asarray(output["pixel_values"][0], dtype=float).flatten().tolist(),
        "labels": np.asarray(output["labels"][0]).flatten().tolist(),
    }


for name, case in pictures.items():
    width, height = case["size"]
    y, x, c = np.mgrid[:height, :width, :3]
    waves = 127 + 120 * np.sin(x / (3 + c)) * np.cos(y / (5 + 2 * c)) + random.normal(0, 20, x.shape)
    image = Image.fromarray(np.clip(waves, 0, 255).astype(np.uint8))
    if case["mode"] == "L":
        image = image.convert("L")
    elif case["mode"] == "P":
        image = image.quantize(16)
    image.save(f"{folder}/images/{name}.png")
    labels = random.integers(0, 151, (height, width), dtype=np.uint8)
    labels[random.random((height, width)) < 0.05] = 255
    map = Image.fromarray(labels)
    if case.get("palette"):
        map.putpalette(random.integers(0, 256, 768, dtype=np.uint8).tobytes())
    map.save(f"{folder}/labels/{name}.png")
    for each, result in zip(options, results):
        for backend, processor in backends.items():
            result[backend][name] = prepared(processor(**each), name, labels)
json.dump(results, sys.stdout)
