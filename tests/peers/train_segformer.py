"""Train a small SegFormer with transformers and save it as a model directory that swath opens.

    python train_segformer.py --images a.tif b.tif --labels truth.tif --out model/ [--steps 600] [--crop 64]

Several images may share one label raster (dates of one scene) or come with one each. Normalization is the mean and
standard deviation of the training images' valid pixels; it and the band names go into config.json under `swath`.
"""
import argparse, json, pathlib

import numpy as np
import rasterio
import torch
from transformers import SegformerConfig, SegformerForSemanticSegmentation

parser = argparse.ArgumentParser()
parser.add_argument("--images", nargs="+", required=True)
parser.add_argument("--labels", nargs="+", required=True)
parser.add_argument("--classes", required=True, help="JSON: [{name, color}, …]")
parser.add_argument("--out", required=True)
parser.add_argument("--steps", type=int, default=600)
parser.add_argument("--batch", type=int, default=8)
parser.add_argument("--crop", type=int, default=64)
parser.add_argument("--scale", type=float, default=1e-4, help="factor from stored numbers to reflectance")
parser.add_argument("--widths", type=int, nargs=4, default=[16, 32, 64, 96])
parser.add_argument("--depths", type=int, nargs=4, default=[1, 1, 1, 1])
parser.add_argument("--decoder", type=int, default=64)
parser.add_argument("--learning-rate", type=float, default=2e-3)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

torch.manual_seed(args.seed)
random = np.random.default_rng(args.seed)
classes = json.loads(args.classes)

images, labels, valids = [], [], []
for i, path in enumerate(args.images):
    with rasterio.open(path) as scene:
        image = scene.read().astype(np.float32) * args.scale
        valid = scene.dataset_mask() > 0
        bands = [name or str(j + 1) for j, name in enumerate(scene.descriptions)]
    with rasterio.open(args.labels[i % len(args.labels)]) as truth:
        label, nodata = truth.read(1).astype(np.int64), truth.nodata
    label[(label == nodata) | ~valid] = 255
    images.append(image), labels.append(label), valids.append(valid)

pixels = np.concatenate([image[:, valid] for image, valid in zip(images, valids)], axis=1).astype(np.float64)
mean, std = pixels.mean(axis=1), pixels.std(axis=1)
images = [np.where(valid, (image - mean[:, None, None]) / std[:, None, None], 0).astype(np.float32)
          for image, valid in zip(images, valids)]

config = SegformerConfig(
    num_channels=len(bands), depths=args.depths, hidden_sizes=args.widths, num_attention_heads=[1, 2, 4, 6],
    decoder_hidden_size=args.decoder, drop_path_rate=0.0,
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


for step in range(args.steps):
    batch = [crop() for _ in range(args.batch)]
    image = torch.from_numpy(np.stack([image for image, _ in batch]))
    label = torch.from_numpy(np.stack([label for _, label in batch]))
    loss = model(image, labels=label).loss
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    if step % 100 == 99:
        print(f"step {step + 1} loss {loss.item():.4f}", flush=True)

model.eval().save_pretrained(args.out)
path = pathlib.Path(args.out) / "config.json"
saved = json.loads(path.read_text())
scale = [args.scale] * len(bands)
saved["swath"] = {
    "version": 1,
    "bands": bands,
    "normalization": {"bands": bands, "scale": scale, "offset": [0.0] * len(bands),
                      "mean": [round(float(v), 8) for v in mean], "std": [round(float(v), 8) for v in std], "clip": None},
    "colors": [c["color"] for c in classes],
}
path.write_text(json.dumps(saved, indent=2) + "\n")
