"""Gradients of PyTorch functions.

Reads a JSON list of cases from standard input: {"inputs": [[name, shape, elements], …], "torch": expression of the inputs, `torch` and `F`}.
Prints for each [output, [gradient of each input]] as flat lists, the gradients being those of Σ outputᵢ · cos(1 + i).
"""
import json
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
results = []
for case in json.load(sys.stdin):
    inputs = {name: torch.tensor(elements, dtype=torch.float32).reshape(shape).requires_grad_()
              for name, shape, elements in case["inputs"]}
    output = eval(case["torch"], {"torch": torch, "F": F, **inputs})
    weights = torch.cos(1 + torch.arange(output.numel(), dtype=torch.float64)).float()
    (output.reshape(-1) * weights).sum().backward()
    results.append([output.detach().reshape(-1).tolist(), [x.grad.reshape(-1).tolist() for x in inputs.values()]])
json.dump(results, sys.stdout)
