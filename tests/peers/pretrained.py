"""Names and shapes that torchvision and transformers store, and a file of weights.

    python pretrained.py FOLDER

Prints {model: {name: shape}}; writes `resnet18.pth` and a tiny ViT as transformers saves it (`vit/`) to FOLDER.
"""
import json
import sys

import torch
import vision  # noqa: F401
import torchvision
from safetensors.torch import load_file
from transformers import ViTConfig, ViTForImageClassification

folder = sys.argv[1]
torch.manual_seed(0)
shapes = lambda state: {name: list(tensor.shape) for name, tensor in state.items()}
models = {}
with torch.device("meta"):
    for name in ("vgg16", "vgg16_bn", "resnet18", "resnet34", "resnet50", "resnet101"):
        models[name] = shapes(getattr(torchvision.models, name)(weights=None).state_dict())
    for name in ("deeplabv3_resnet50", "deeplabv3_resnet101"):
        model = getattr(torchvision.models.segmentation, name)(weights=None, weights_backbone=None, aux_loss=True)
        models[name] = shapes(model.state_dict())
torch.save(torchvision.models.resnet18(weights=None).state_dict(), f"{folder}/resnet18.pth")
vit = ViTForImageClassification(ViTConfig(hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=64, image_size=64))
vit.save_pretrained(f"{folder}/vit")
models["vit"] = shapes(load_file(f"{folder}/vit/model.safetensors"))
json.dump(models, sys.stdout)
