"""Losses and their gradients by PyTorch, for tests/peers/losses_test.ts.

Reads a JSON list of cases {"loss", "options", "logits": [shape, elements], "labels": [shape, elements]} from standard
input and prints [value, gradient of the logits] of each. Computed in double precision, after bilinear
upsampling to the labels' size. The Lovász-softmax is its authors' code (Berman et al., MIT licence); the others
follow their papers' formulas.
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt


def counted_pixels(labels, classes, ignore):
    return (labels != ignore) & (labels < classes)


def one_hot(labels, counted, classes):
    hits = F.one_hot(torch.where(counted, labels, 0), classes).permute(0, 3, 1, 2).double()
    return hits * counted.unsqueeze(1)


def ce(logits, labels, classWeights=None, labelSmoothing=0.0, ignoreIndex=255):
    counted = counted_pixels(labels, logits.shape[1], ignoreIndex)
    if not counted.any():
        return (logits * 0).sum()
    weight = None if classWeights is None else torch.tensor(classWeights, dtype=torch.float64)
    target = torch.where(counted, labels, -100)
    return F.cross_entropy(logits, target, weight=weight, label_smoothing=labelSmoothing)


def mean_of_classes(losses, labelled, classes):
    present = labelled > 0
    if not present.any():
        return (losses * 0).sum()
    return losses[present].mean() if classes == "present" else losses.mean()


def overlap(logits, labels, ignore):
    counted = counted_pixels(labels, logits.shape[1], ignore)
    y = one_hot(labels, counted, logits.shape[1])
    p = logits.softmax(1) * counted.unsqueeze(1)
    return p, y


def dice(logits, labels, smooth=1e-6, classes="present", ignoreIndex=255):
    p, y = overlap(logits, labels, ignoreIndex)
    axes = (0, 2, 3)
    coefficient = (2 * (p * y).sum(axes) + smooth) / (p.sum(axes) + y.sum(axes) + smooth)
    return mean_of_classes(1 - coefficient, y.sum(axes), classes)


def tversky(logits, labels, alpha=0.3, beta=0.7, gamma=1.0, smooth=1e-6, classes="present", ignoreIndex=255):
    p, y = overlap(logits, labels, ignoreIndex)
    counted = counted_pixels(labels, logits.shape[1], ignoreIndex).unsqueeze(1)
    axes = (0, 2, 3)
    tp = (p * y).sum(axes)
    fp = (p * (1 - y)).sum(axes)
    fn = ((1 - p) * y * counted).sum(axes)
    index = (tp + smooth) / (tp + alpha * fp + beta * fn + smooth)
    return mean_of_classes((1 - index) ** gamma, y.sum(axes), classes)


def focal(logits, labels, alpha=0.25, gamma=2.0, classWeights=None, ignoreIndex=255):
    classes = logits.shape[1]
    counted = counted_pixels(labels, classes, ignoreIndex)
    target = torch.where(counted, labels, -100)
    nll = F.cross_entropy(logits, target, reduction="none")
    weights = torch.ones(classes, dtype=torch.float64) if classWeights is None else torch.tensor(classWeights).double()
    weights = torch.where(counted, weights[torch.where(counted, labels, 0)], 0)
    doubt = -torch.expm1(-nll)  # A power below 1 has no slope at 0.
    losses = alpha * doubt.clamp(min=1e-12) ** gamma * nll
    total = weights.sum()
    return (losses * weights).sum() / (total if total > 0 else 1)


def lovasz_grad(gt_sorted):
    p = len(gt_sorted)
    gts = gt_sorted.sum()
    intersection = gts - gt_sorted.cumsum(0)
    union = gts + (1 - gt_sorted).cumsum(0)
    jaccard = 1.0 - intersection / union
    if p > 1:
        jaccard[1:p] = jaccard[1:p] - jaccard[0:-1]
    return jaccard


def lovasz_flat(probas, labels, classes):
    losses = []
    for c in range(probas.size(1)):
        fg = (labels == c).double()
        if classes == "present" and fg.sum() == 0:
            continue
        errors = (fg - probas[:, c]).abs()
        errors_sorted, perm = torch.sort(errors, 0, descending=True)
        losses.append(torch.dot(errors_sorted, lovasz_grad(fg[perm])))
    return torch.stack(losses).mean()


def lovasz(logits, labels, perImage=False, classes="present", ignoreIndex=255):
    counted = counted_pixels(labels, logits.shape[1], ignoreIndex)
    p = logits.softmax(1).permute(0, 2, 3, 1)
    parts = zip(p, labels, counted) if perImage else [(p, labels, counted)]
    losses = [lovasz_flat(x[m], y[m], classes) for x, y, m in parts if m.any()]
    return torch.stack(losses).mean() if losses else (logits * 0).sum()


def boundary(logits, labels, filter="sobel", edgeWeight=5.0, classWeights=None, ignoreIndex=255):
    classes = logits.shape[1]
    counted = counted_pixels(labels, classes, ignoreIndex)
    y = one_hot(labels, counted, classes)
    kernels = {
        "sobel": [[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]],
        "laplacian": [[[0, 1, 0], [1, -4, 1], [0, 1, 0]]],
    }[filter]
    n, k, h, w = y.shape
    squares = torch.zeros_like(y)
    for kernel in kernels:
        response = torch.zeros_like(y)
        for i in range(3):
            for j in range(3):
                shift = lambda x: F.pad(x, (1, 1, 1, 1))[..., i:i + h, j:j + w]
                response += kernel[i][j] * (shift(y) - y) * shift(counted.unsqueeze(1).double())
        squares += (response / (4 if filter == "sobel" else 1)) ** 2
    edges = squares.sqrt().amax(1).clamp(max=1)
    class_weights = torch.ones(classes) if classWeights is None else torch.tensor(classWeights)
    weights = class_weights.double()[torch.where(counted, labels, 0)] * counted * (1 + edgeWeight * edges)
    nll = F.cross_entropy(logits, torch.where(counted, labels, -100), reduction="none")
    total = weights.sum()
    return (nll * weights).sum() / (total if total > 0 else 1)


def distance(logits, labels, ignoreIndex=255):
    classes = logits.shape[1]
    counted = counted_pixels(labels, classes, ignoreIndex).numpy()
    phi = np.zeros(logits.shape)
    for n in range(len(labels)):
        for k in range(classes):
            inside = counted[n] & (labels[n].numpy() == k)
            outside = counted[n] & ~inside
            if inside.any() and outside.any():
                phi[n, k] = distance_transform_edt(~inside) * outside - (distance_transform_edt(~outside) - 1) * inside
    mask = torch.tensor(counted).unsqueeze(1)
    return (logits.softmax(1) * torch.tensor(phi) * mask).sum() / (classes * max(1, counted.sum()))


LOSSES = {
    "ce": ce, "dice": dice, "tversky": tversky, "focal": focal, "lovasz": lovasz, "boundary": boundary,
    "distance": distance,
}
results = []
for case in json.load(sys.stdin):
    shape, elements = case["logits"]
    logits = torch.tensor(elements, dtype=torch.float32).double().reshape(shape).requires_grad_()
    labels = torch.tensor(case["labels"][1]).reshape(case["labels"][0])
    upsampled = F.interpolate(logits, size=labels.shape[1:], mode="bilinear", align_corners=False)
    loss = sum(
        weight * LOSSES[name](upsampled, labels, **options) for name, weight, options in case["losses"]
    )
    (gradient,) = torch.autograd.grad(loss, logits)
    results.append([loss.item(), gradient.flatten().tolist()])
json.dump(results, sys.stdout)
