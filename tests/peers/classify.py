"""transformers' image processor and classification pipeline, for tests/peers/classify_test.ts.

    python classify.py folder/ '{"config": {…}, "cases": [{"processor": {…}, "images": {"a.png": {"mode": "RGB", "size": [70, 50]}}}]}'

Saves a classifier with random weights, its processor and the pictures to folder/0, folder/1, … Prints, for each picture of
each case, the pixel values of the processor and the probabilities of the pipeline by label.
"""

import json
import os
import sys

import numpy as np
import torch
from PIL import Image
from transformers import SegformerConfig, SegformerForImageClassification, SegformerImageProcessorPil, pipeline

request = json.loads(sys.argv[2])
torch.manual_seed(0)
torch.set_num_threads(1)
model = SegformerForImageClassification(SegformerConfig(**request["config"])).eval()
with torch.no_grad():
    for tensor in model.parameters():
        if tensor.ndim == 1:
            tensor.add_(torch.randn_like(tensor) * 0.1)
        else:
            tensor.normal_(0, (1.5 / tensor[0].numel()) ** 0.5)
random = np.random.default_rng(0)
CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "P": 3}


def draw(mode, size):
    """Waves with noise: neighbours that differ, and smooth parts where rounding shows."""
    width, height = size
    y, x, c = np.mgrid[:height, :width, : CHANNELS[mode]]
    waves = 127 + 120 * np.sin(x / (3 + c)) * np.cos(y / (5 + 2 * c)) + random.normal(0, 20, x.shape)
    pixels = np.clip(waves, 0, 255).astype(np.uint8)
    image = Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
    return image.quantize(16) if mode == "P" else image


results = []
for number, case in enumerate(request["cases"]):
    folder = os.path.join(sys.argv[1], str(number))
    model.save_pretrained(folder)
    processor = SegformerImageProcessorPil(**case["processor"])
    processor.save_pretrained(folder)
    classify = pipeline("image-classification", model=model, image_processor=processor, device="cpu")
    expected = {}
    for name, picture in case["images"].items():
        image = draw(picture["mode"], picture["size"])
        image.save(os.path.join(folder, name))
        rgb = image.convert("RGB")
        ranking = classify(rgb, top_k=model.config.num_labels)
        expected[name] = {
            "pixels": processor(rgb, return_tensors="np")["pixel_values"].flatten().tolist(),
            "probabilities": {row["label"]: row["score"] for row in ranking},
        }
    results.append(expected)
json.dump(results, sys.stdout)
