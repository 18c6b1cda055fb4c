"""Train a small SegFormer with transformers and save it as a model directory that swath opens.

    python train_segformer.py --images a.tif b.tif --labels truth.tif --classes CLASSES --out model/

Several images may share one label raster (dates of one scene) or come with one each. Normalization is the mean and
standard deviation of the training images' valid pixels; it, the band names and the classes' colours go into config.json
under `swath`.
"""
import argparse
import json
import pathlib
import time

import numpy as np
import rasterio
import torch
from torch.nn.functional import cross_entropy, interpolate
from transformers import SegformerConfig, SegformerForSemanticSegmentation

IGNORE = 255

parser = argparse.ArgumentParser()
parser.add_argument("--images", nargs="+", required=True)
parser.add_argument("--labels", nargs="+", required=True)
parser.add_argument("--classes", required=True, help="JSON: [{name, color}, …]")
parser.add_argument("--out", required=True)
parser.add_argument("--steps", type=int, default=600)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--crop", type=int, default=64)
parser.add_argument("--scale", type=float, help="factor from stored numbers to reflectance; what the files say by default")
parser.add_argument("--widths", type=int, nargs=4, default=[16, 32, 64, 96])
parser.add_argument("--depths", type=int, nargs=4, default=[1, 1, 1, 1])
parser.add_argument("--strides", type=int, nargs=4, default=[4, 2, 2, 2])
parser.add_argument("--reductions", type=int, nargs=4, default=[8, 4, 2, 1])
parser.add_argument("--decoder", type=int, default=64)
parser.add_argument("--learning-rate", type=float, default=2e-3)
parser.add_argument("--rarity", type=float, default=0.0, help="classes weigh frequency ** -RARITY in the loss")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

# One thread: small networks gain little from more, which fight with tests that run beside.
torch.set_num_threads(1)
torch.manual_seed(args.seed)
random = np.random.default_rng(args.seed)
classes = json.loads(args.classes)

images, labels, valids = [], [], []
for i, path in enumerate(args.images):
    with rasterio.open(path) as scene:
        stored, valid = scene.read(), scene.dataset_mask() > 0
        bands = [name or str(j + 1) for j, name in enumerate(scene.descriptions)]
        scale = np.array(scene.scales if args.scale is None else [args.scale] * scene.count)
    with rasterio.open(args.labels[i % len(args.labels)]) as truth:
        label, nodata = truth.read(1).astype(np.int64), truth.nodata
    label[(label == nodata) | ~valid] = IGNORE
    images.append((stored * scale[:, None, None]).astype(np.float32))
    labels.append(label)
    valids.append(valid)

pixels = np.concatenate([image[:, valid] for image, valid in zip(images, valids)], axis=1).astype(np.float64)
mean, std = pixels.mean(axis=1), pixels.std(axis=1)
images = [np.where(valid, (image - mean[:, None, None]) / std[:, None, None], 0).astype(np.float32)
          for image, valid in zip(images, valids)]
counts = sum(np.bincount(label[label != IGNORE], minlength=len(classes)) for label in labels)
weights = np.maximum(counts, 1.0) ** -args.rarity * (counts > 0)
weights = torch.from_numpy(weights / weights.sum() * (counts > 0).sum()).float()

config = SegformerConfig(
    num_channels=len(bands), depths=args.depths, hidden_sizes=args.widths, num_attention_heads=[1, 2, 4, 6],
    strides=args.strides, sr_ratios=args.reductions, decoder_hidden_size=args.decoder, drop_path_rate=0.0,
    id2label={i: c["name"] for i, c in enumerate(classes)}, label2id={c["name"]: i for i, c in enumerate(classes)})
model = SegformerForSemanticSegmentation(config).train()
optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.learning_rate, total_steps=args.steps)


def crop():
    i = random.integers(len(images))
    image, label = images[i], labels[i]
    y, x = (random.integers(max(extent - args.crop, 0) + 1) for extent in label.shape)
    image, label = image[:, y:y + args.crop, x:x + args.crop], label[y:y + args.crop, x:x + args.crop]
    turns = random.integers(4)
    image, label = np.rot90(image, turns, (1, 2)), np.rot90(label, turns)
    if random.random() < 0.5:
        image, label = image[:, :, ::-1], label[:, ::-1]
    return image.copy(), label.copy()


started = time.monotonic()
for step in range(1, args.steps + 1):
    batch = [crop() for _ in range(args.batch)]
    image = torch.from_numpy(np.stack([image for image, _ in batch]))
    label = torch.from_numpy(np.stack([label for _, label in batch]))
    logits = interpolate(model(image).logits, size=label.shape[-2:], mode="bilinear", align_corners=False)
    loss = cross_entropy(logits, label, weights, ignore_index=IGNORE)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.4f} ({time.monotonic() - started:.0f} s)", flush=True)

model.eval().save_pretrained(args.out)
path = pathlib.Path(args.out) / "config.json"
saved = json.loads(path.read_text())
saved["swath"] = {
    "version": 1,
    "bands": bands,
    "normalization": {"bands": bands, "scale": scale.tolist(), "offset": [0.0] * len(bands),
                      "mean": [round(float(v), 8) for v in mean], "std": [round(float(v), 8) for v in std], "clip": None},
    "colors": [c["color"] for c in classes],
}
path.write_text(json.dumps(saved, indent=2) + "\n")
