"""PyTorch's side of the benchmark of networks.

    python models.py FOLDER THREADS

FOLDER holds `job.json` (see tests/peers/networks.py). Writes the network's random weights and a batch there, prints `ready`; then for
each line on standard input a number: for `train` the seconds of a step, for `infer` those of logits at inference, for `loss` the
step's loss, for `memory` the most bytes that the process held.
"""
import json, pathlib, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tests/peers"))

import torch
from networks import build
from safetensors.torch import save_file
from torch.nn import functional as F

folder, threads = pathlib.Path(sys.argv[1]), int(sys.argv[2])
job = json.loads((folder / "job.json").read_text())
torch.manual_seed(0)
torch.set_num_threads(threads)
model, forward, rename = build(job)
batch, _, height, width = job["shape"]
image = torch.randn(*job["shape"])
labels = torch.randint(0, job["classes"], (batch, height // 8, width // 8)).repeat_interleave(8, 1).repeat_interleave(8, 2)
torch.save({rename(name): tensor for name, tensor in model.state_dict().items()}, folder / "weights.pth")
save_file({"image": image, "labels": labels.to(torch.uint8)}, folder / "batch.safetensors")
decayed = [p for p in model.parameters() if p.ndim > 1]
others = [p for p in model.parameters() if p.ndim <= 1]
optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=1e-4)


def train():
    model.train()
    logits, _ = forward(image)
    loss = F.cross_entropy(F.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False), labels)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def infer():
    model.eval()
    with torch.inference_mode():
        forward(image)


def peak_memory():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


print("ready", flush=True)
loss = 0.0
for line in sys.stdin:
    work = line.strip()
    start = time.perf_counter()
    if work == "train":
        loss = train()
    elif work == "infer":
        infer()
    seconds = time.perf_counter() - start
    print({"loss": loss, "memory": peak_memory()}.get(work, seconds), flush=True)
