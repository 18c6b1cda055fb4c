"""SegFormer's image processor of transformers over a folder of pictures, for tests/peers/picture_set_test.ts.

    python picture_set.py folder/ '{"a": {"size": [70, 50], "mode": "RGB"}, …}' '[{"size": {…}, "do_reduce_labels": true, …}, …]'

Draws pictures and label maps into folder/images and folder/labels, saves the configurations of the processors to folder/0,
folder/1, …, and prints pixel values and labels by name for each.
"""

import json
import os
import sys

import numpy as np
from PIL import Image
from transformers import SegformerImageProcessorPil

folder, pictures, options = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
for name in ("images", "labels"):
    os.makedirs(f"{folder}/{name}", exist_ok=True)
random = np.random.default_rng(0)
processors = [SegformerImageProcessorPil(**each) for each in options]
results = [{} for _ in processors]
for index, processor in enumerate(processors):
    processor.save_pretrained(f"{folder}/{index}")
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
    for processor, result in zip(processors, results):
        output = processor(
            Image.open(f"{folder}/images/{name}.png").convert("RGB"),
            segmentation_maps=Image.fromarray(labels),
            return_tensors="np",
        )
        result[name] = {
            "shape": list(output["pixel_values"][0].shape),
            "pixels": np.asarray(output["pixel_values"][0], dtype=float).flatten().tolist(),
            "labels": np.asarray(output["labels"][0]).flatten().tolist(),
        }
json.dump(results, sys.stdout)
