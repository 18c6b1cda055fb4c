"""transformers' own map of a stream of patches, and torchmetrics' scores of swath's, for tests/peers/real_scene_test.ts.

    python real_scene.py MODEL STREAM MAP TRUTH

STREAM is what `swath tile` wrote, MAP what came out of the pipe. Prints JSON.
"""

import json
import math
import pathlib
import sys

import numpy as np
import rasterio
import torch
import webdataset
from torchmetrics.functional import classification as tm
from transformers import SegformerForSemanticSegmentation

torch.set_num_threads(1)
directory, stream, map_path, truth_path = sys.argv[1:]
model = SegformerForSemanticSegmentation.from_pretrained(directory).eval()
card = json.loads((pathlib.Path(directory) / "config.json").read_text())["swath"]["normalization"]
scale, offset, mean, std = (
    np.array(card[field])[:, None, None] for field in ("scale", "offset", "mean", "std"))

with rasterio.open(map_path) as file:
    ours, nodata = file.read(1), file.nodata
with rasterio.open(truth_path) as file:
    truth, truth_nodata = file.read(1), file.nodata

theirs = np.full(ours.shape, nodata, dtype=np.uint8)
patches = 0
for sample in webdataset.WebDataset(stream, shardshuffle=False).decode():
    if "image.npy" not in sample:
        continue
    image, valid, info = sample["image.npy"], sample["valid.npy"], sample["json"]
    values = np.where(valid, (image * scale + offset - mean) / std, 0).astype(np.float32)
    with torch.inference_mode():
        logits = model(torch.from_numpy(values)[None]).logits
        logits = torch.nn.functional.interpolate(logits, size=valid.shape, mode="bilinear", align_corners=False)
    prediction = np.where(valid, logits.argmax(1)[0].numpy(), nodata)
    window, core = info["window"], info["core"]
    y, x = core["y"], core["x"]
    rows = slice(y, min(y + core["height"], theirs.shape[0]))
    columns = slice(x, min(x + core["width"], theirs.shape[1]))
    inside = prediction[y - window["y"]:, x - window["x"]:]
    theirs[rows, columns] = inside[:rows.stop - y, :columns.stop - x]
    patches += 1

scored = (truth != truth_nodata) & (ours != nodata)
tensors = torch.from_numpy(ours[scored]).long(), torch.from_numpy(truth[scored]).long()
classes = {"num_classes": model.config.num_labels}


def plain(value):
    value = np.asarray(value, dtype=np.float64)
    if value.ndim == 0:
        return None if math.isnan(value) else float(value)
    return [plain(item) for item in value]


print(json.dumps({
    "patches": patches,
    "pixels": int(ours.size),
    "agreeing": int((ours == theirs).sum()),
    "scored": int(scored.sum()),
    "scores": {
        "meanIou": plain(tm.multiclass_jaccard_index(*tensors, average="macro", **classes)),
        "pixelAccuracy": plain(tm.multiclass_accuracy(*tensors, average="micro", **classes)),
        "frequencyWeightedIou": plain(tm.multiclass_jaccard_index(*tensors, average="weighted", **classes)),
        "kappa": plain(tm.multiclass_cohen_kappa(*tensors, **classes)),
        "matthews": plain(tm.multiclass_matthews_corrcoef(*tensors, **classes)),
    },
    "iou": plain(tm.multiclass_jaccard_index(*tensors, average="none", **classes)),
    "dice": plain(tm.multiclass_f1_score(*tensors, average="none", **classes)),
}))
