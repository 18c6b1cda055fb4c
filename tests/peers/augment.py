"""Zooms an image and its labels with PyTorch.

Reads JSON from standard input: image (C, H, W), label (H, W) and size; prints both zoomed, as nested lists.
"""

import json
import sys

import torch
from torch.nn.functional import interpolate

case = json.load(sys.stdin)
image = torch.tensor(case["image"], dtype=torch.float32)[None]
label = torch.tensor(case["label"], dtype=torch.float32)[None, None]
zoomed = interpolate(image, size=case["size"], mode="bilinear", align_corners=False)[0]
nearest = interpolate(label, size=case["size"], mode="nearest-exact")[0, 0]
print(json.dumps({"image": zoomed.flatten().tolist(), "label": nearest.flatten().tolist()}))
