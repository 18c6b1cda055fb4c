"""Train SegFormer with transformers and PyTorch on a fixed batch.

    python train_step.py DIRECTORY

DIRECTORY holds `config.json` and `model.safetensors`, `batch.safetensors` (image, labels), and `job.json`:
{"optimizer": "adamw" | "sgd", "settings": {…} of the optimizer, "clip": norm or null, "rates": [[rate, momentum], …] for each step,
 "class_weights": [...] or null}. Prints {"losses": […], "norms": […]}; writes the first step's gradients and the running statistics
after it as `gradients.safetensors`, and the final parameters as `final/model.safetensors`, all under transformers' names on disk.
"""
import json
import pathlib
import sys

import torch
import torch._dynamo  # noqa: F401 The first optimizer that is made would import it, in every run.
from safetensors.torch import load_file
from transformers import SegformerForSemanticSegmentation

torch.set_num_threads(1)
root = pathlib.Path(sys.argv[1])
job = json.loads((root / "job.json").read_text())
model = SegformerForSemanticSegmentation.from_pretrained(root).train()
batch = load_file(root / "batch.safetensors")
image, labels = batch["image"], batch["labels"].long()
weights = job["class_weights"] and torch.tensor(job["class_weights"])

decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
settings = dict(job["settings"])
decay = settings.pop("weight_decay")
groups = [{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]
kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[job["optimizer"]]
optimizer = kind(groups, lr=1.0, **settings)

losses, norms = [], []
for step, (rate, momentum) in enumerate(job["rates"]):
    for group in optimizer.param_groups:
        group["lr"] = rate
        if momentum is not None and "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
    logits = torch.nn.functional.interpolate(
        model(image).logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
    loss = torch.nn.functional.cross_entropy(logits, labels, weight=weights, ignore_index=255)
    optimizer.zero_grad()
    loss.backward()
    if step == 0:
        # Saved through the model, which knows the names on disk.
        state = {name: value.clone() for name, value in model.state_dict().items()}
        for name, parameter in model.named_parameters():
            state[name] = parameter.grad.clone()
        model.save_pretrained(root / "gradients", state_dict=state)
    limit = float("inf") if job["clip"] is None else job["clip"]
    norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), limit).item())
    optimizer.step()
    losses.append(loss.item())
model.save_pretrained(root / "final")
json.dump({"losses": losses, "norms": norms}, sys.stdout)
