"""Values of PyTorch's and transformers' learning rate schedules.

Reads a JSON list of cases from standard input; prints, for each, [learning rate, momentum] at every step.
"""

import json
import sys

import torch
import torch._dynamo  # noqa: F401 The first optimizer that is made would import it, in every run.
from torch.optim import lr_scheduler


def make_optimizer(case):
    parameter = torch.nn.Parameter(torch.zeros(1))
    if case["optimizer"] == "sgd":
        return torch.optim.SGD([parameter], lr=case["learning_rate"], momentum=0.9)
    return torch.optim.AdamW([parameter], lr=case["learning_rate"], betas=(0.9, 0.999))


def make_scheduler(case, optimizer):
    settings = case["settings"]
    total = case["total_steps"]
    if case["kind"] == "one_cycle":
        return lr_scheduler.OneCycleLR(optimizer, max_lr=case["learning_rate"], total_steps=total, **settings)
    if case["kind"] == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, **settings)
    if case["kind"] == "plateau":
        return lr_scheduler.ReduceLROnPlateau(optimizer, **settings)
    if case["kind"] == "transformers_polynomial":
        from transformers import get_polynomial_decay_schedule_with_warmup

        return get_polynomial_decay_schedule_with_warmup(optimizer, num_training_steps=total, **settings)
    if case["kind"] == "sequential_polynomial":
        warmup = settings["warmup"]
        return lr_scheduler.SequentialLR(
            optimizer,
            [
                lr_scheduler.LinearLR(optimizer, start_factor=settings["start_factor"], total_iters=warmup),
                lr_scheduler.PolynomialLR(optimizer, total_iters=total - warmup, power=settings["power"]),
            ],
            milestones=[warmup],
        )
    raise ValueError(case["kind"])


def momentum_of(group):
    return group["betas"][0] if "betas" in group else group["momentum"]


def values(case):
    optimizer = make_optimizer(case)
    scheduler = make_scheduler(case, optimizer)
    rows = []
    for step in range(case["total_steps"]):
        group = optimizer.param_groups[0]
        rows.append([float(group["lr"]), float(momentum_of(group))])
        optimizer.step()
        if case["kind"] == "plateau":
            metric = case["metrics"][step]
            scheduler.step(float("nan") if metric is None else metric)
        elif step < case["total_steps"] - 1:
            scheduler.step()
    return rows


print(json.dumps([values(case) for case in json.load(sys.stdin)]))
