"""Train a SegFormer of transformers with PyTorch on swath's shards, as accuracy.ts trains it with swath.

    python accuracy.py '{"train": …, "val": …, "settings": {…}, "seeds": […], …}'

Prints, for each seed, the mean IoU of each epoch.
"""
import io
import json
import sys
import tarfile

import numpy as np
import torch
from torch.nn.functional import cross_entropy, interpolate
from transformers import SegformerConfig, SegformerForSemanticSegmentation

job = json.loads(sys.argv[1])
torch.set_num_threads(job["threads"])
IGNORE = 255


def read(path):
    """Images (float64), labels with what has no data ignored, and the core of each sample."""
    members, order = {}, []
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, kind = member.name.partition(".")
            if key.startswith("_"):
                continue
            data = tar.extractfile(member).read()
            if kind == "json":
                order.append(key)
            members[key, kind] = json.loads(data) if kind == "json" else np.load(io.BytesIO(data))
    images = np.stack([members[key, "image.npy"] for key in order]).astype(np.float64)
    labels = np.stack([members[key, "label.npy"] for key in order]).astype(np.int64)
    valid = np.stack([members[key, "valid.npy"] for key in order]) == 1
    labels[~valid] = IGNORE
    return images, labels, valid, [members[key, "json"] for key in order]


images, labels, valid, _ = read(job["train"])
val_images, val_labels, val_valid, infos = read(job["val"])
pixels = np.moveaxis(images, 1, -1)[valid]
mean, std = pixels.mean(axis=0), pixels.std(axis=0)


def normalized(stored, mask):
    x = (stored - mean[:, None, None]) / std[:, None, None]
    return torch.from_numpy(np.where(mask[:, None], x, 0).astype(np.float32))


x, y = normalized(images, valid), torch.from_numpy(labels)
val_x = normalized(val_images, val_valid)
batches = len(x) // job["batch_size"]


def mean_iou(model):
    model.eval()
    counts = np.zeros((job["classes"], job["classes"]), np.int64)
    with torch.no_grad():
        logits = interpolate(model(val_x).logits, size=val_labels.shape[-2:], mode="bilinear", align_corners=False)
    for prediction, truth, info in zip(logits.argmax(1).numpy(), val_labels, infos):
        core, window = info["core"], info["window"]
        rows = slice(core["y"] - window["y"], core["y"] - window["y"] + core["height"])
        columns = slice(core["x"] - window["x"], core["x"] - window["x"] + core["width"])
        prediction, truth = prediction[rows, columns], truth[rows, columns]
        counted = truth != IGNORE
        np.add.at(counts, (truth[counted], prediction[counted]), 1)
    union = counts.sum(0) + counts.sum(1) - counts.diagonal()
    return float(np.mean(counts.diagonal()[union > 0] / union[union > 0]))


def train(seed):
    torch.manual_seed(seed)
    config = SegformerConfig(num_channels=x.shape[1], num_labels=job["classes"], drop_path_rate=0,
                             classifier_dropout_prob=0, **job["settings"])
    model = SegformerForSemanticSegmentation(config)
    decays = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decays, "weight_decay": job["weight_decay"]}, {"params": others, "weight_decay": 0}],
        lr=job["learning_rate"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, job["learning_rate"], total_steps=job["epochs"] * batches)
    scores = []
    for _ in range(job["epochs"]):
        model.train()
        order = torch.randperm(len(x))
        for batch in range(batches):
            pairs = []
            for i in order[batch * job["batch_size"]:(batch + 1) * job["batch_size"]]:
                turns, flip_rows, flip_columns = torch.randint(4, (1,)).item(), *(torch.rand(2) < 0.5).tolist()
                axes = [axis for axis, flip in ((-2, flip_rows), (-1, flip_columns)) if flip]
                pairs.append([torch.rot90(part.flip(axes), turns, (-2, -1)) for part in (x[i], y[i])])
            image, label = (torch.stack(parts) for parts in zip(*pairs))
            logits = interpolate(model(image).logits, size=label.shape[-2:], mode="bilinear", align_corners=False)
            loss = cross_entropy(logits, label, ignore_index=IGNORE)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), job["clip_norm"])
            optimizer.step()
            schedule.step()
        scores.append(mean_iou(model))
    return scores


print(json.dumps([train(seed) for seed in job["seeds"]]))
