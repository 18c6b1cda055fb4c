"""What transformers makes of a model directory: its logits for an image.

    python trained_model.py MODEL INPUT.safetensors OUTPUT.safetensors

INPUT holds `image`, normalized; OUTPUT gets `logits`. Prints the classes and what loading complained about.
"""
import json
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import SegformerForSemanticSegmentation

directory, source, target = sys.argv[1:]
torch.set_num_threads(1)
model, report = SegformerForSemanticSegmentation.from_pretrained(directory, output_loading_info=True)
with torch.no_grad():
    logits = model.eval()(load_file(source)["image"]).logits
save_file({"logits": logits.contiguous()}, target)
print(json.dumps({
    "classes": [model.config.id2label[label] for label in range(model.config.num_labels)],
    "complaints": {name: sorted(map(str, keys)) for name, keys in report.items() if keys},
}))
