"""Write a SegFormer with random weights, an input and its outputs by transformers to a folder.

    python segformer.py '{"config": {…}, "shape": [2, 14, 512, 512], "task": "segmentation"}' folder/

Weights are drawn wider than transformers draws new ones, so that every path of the network has a say in the result.
"""
import json, sys

import torch
from safetensors.torch import save_file
from transformers import SegformerConfig, SegformerForImageClassification, SegformerForSemanticSegmentation

case, folder = json.loads(sys.argv[1]), sys.argv[2]
torch.manual_seed(0)
torch.set_num_threads(2)
classes = {"segmentation": SegformerForSemanticSegmentation, "classification": SegformerForImageClassification}
model = classes[case["task"]](SegformerConfig(**case["config"])).eval()
with torch.no_grad():
    for name, tensor in model.state_dict().items():
        if tensor.dtype != torch.float32:
            continue
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.ndim == 1:
            tensor.add_(torch.randn_like(tensor) * 0.1)
        else:
            tensor.normal_(0, (1.5 / tensor[0].numel()) ** 0.5)
    x = torch.randn(*case["shape"])
    out = model(x, output_hidden_states=True)
model.save_pretrained(folder)
tensors = {"x": x, "logits": out.logits}
for stage, state in enumerate(out.hidden_states):
    tensors[f"feature.{stage}"] = state
save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, f"{folder}/expected.safetensors")
