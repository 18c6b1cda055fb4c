"""Boundary scores, calibration and bootstrap intervals, for tests/peers/score_details_test.ts.

Reads {"boundary": {...}, "calibration": {...}, "bootstrap": {...}} from standard input. Boundary IoU is the
published function of Cheng et al. (erosion of a mask that is padded with zeros); contour distances are SciPy's.
"""

import json
import sys

import numpy as np
import torch
from scipy import ndimage, stats
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm

job = json.load(sys.stdin)


def boundary_iou(truth, prediction, distance):
    """mask_to_boundary and boundary_iou of bowenc0221/boundary-iou-api, with SciPy's erosion."""

    def band(mask):
        padded = np.pad(mask, 1)
        eroded = ndimage.binary_erosion(padded, np.ones((3, 3)), iterations=distance)
        return mask & ~eroded[1:-1, 1:-1]

    a, b = band(truth), band(prediction)
    return (a & b).sum(), (a | b).sum()


def contour(mask):
    return mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)))


def met(a, b, distance):
    """Contour pixels of a, and those within a distance of b's."""
    far = ndimage.distance_transform_edt(~b) if b.any() else np.full(b.shape, np.inf)
    return int(a.sum()), int((a & (far <= distance)).sum())


def boundaries(case):
    shape = (case["height"], case["width"])
    truth, prediction = (np.array(case[key]).reshape(shape) for key in ("truth", "prediction"))
    result = []
    for k in case["classes"]:
        t, p = truth == k, prediction == k
        both, either = boundary_iou(t, p, case["tolerance"])
        result.append([int(both), int(either), *met(contour(t), contour(p), case["tolerance"]),
                       *met(contour(p), contour(t), case["tolerance"])])
    return result


def calibration(case):
    logits = torch.tensor(case["logits"], dtype=torch.float64).reshape(case["classes"], -1).T
    truth = torch.tensor(case["truth"])
    kept = truth >= 0
    logits, truth = logits[kept], truth[kept]
    p = logits.softmax(1)
    onehot = torch.nn.functional.one_hot(truth, case["classes"])
    return {
        "ece": tm.multiclass_calibration_error(p, truth, case["classes"], n_bins=15, norm="l1").item(),
        "mce": tm.multiclass_calibration_error(p, truth, case["classes"], n_bins=15, norm="max").item(),
        "nll": sk.log_loss(truth.numpy(), p.numpy(), labels=list(range(case["classes"]))),
        "brier": ((p - onehot) ** 2).sum(1).mean().item(),
    }


def bootstrap(case):
    counts = np.array(case["scenes"], dtype=float)
    k = int(np.sqrt(counts.shape[1]))

    def mean_iou(indices):
        m = counts[indices.astype(int)].sum(0).reshape(k, k)
        return np.mean(np.diag(m) / (m.sum(0) + m.sum(1) - np.diag(m)))

    result = stats.bootstrap(
        (np.arange(len(counts)),), mean_iou, vectorized=False, n_resamples=case["replicates"], method="percentile",
        rng=np.random.default_rng(1),
    )
    return [result.confidence_interval.low, result.confidence_interval.high]


json.dump({
    "boundary": boundaries(job["boundary"]),
    "calibration": calibration(job["calibration"]),
    "bootstrap": bootstrap(job["bootstrap"]),
}, sys.stdout)
