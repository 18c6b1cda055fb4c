"""PyTorch's side of the training benchmark: transformers' SegFormer, eager or compiled.

    python train.py FOLDER THREADS eager|compile

FOLDER holds a model and `batch.safetensors`. Prints `ready`; then for each line on standard input a number: for `step` the
seconds of a step, for `loss` its loss, for `memory` the most bytes that the process held.
"""
import sys, time

import torch
from safetensors.torch import load_file
from transformers import SegformerForSemanticSegmentation

folder, threads, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(threads)
model = SegformerForSemanticSegmentation.from_pretrained(folder).train()
batch = load_file(f"{folder}/batch.safetensors")
image, labels = batch["image"], batch["labels"].long()
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
optimizer = torch.optim.AdamW(
    [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=1e-4)


def loss_of(image, labels):
    logits = torch.nn.functional.interpolate(
        model(image).logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
    return torch.nn.functional.cross_entropy(logits, labels, ignore_index=255)


forward = torch.compile(loss_of) if mode == "compile" else loss_of


def step():
    optimizer.zero_grad()
    loss = forward(image, labels)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def peak_memory():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


print("ready", flush=True)
loss = 0.0
for line in sys.stdin:
    work = line.strip()
    start = time.perf_counter()
    if work == "step":
        loss = step()
    seconds = time.perf_counter() - start
    print({"step": seconds, "loss": loss, "memory": peak_memory()}[work], flush=True)
