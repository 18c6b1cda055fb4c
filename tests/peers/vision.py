"""torchvision beside a PyTorch that its compiled operators were not built for.

PyPI's torchvision is built against PyTorch with CUDA; beside another build, its operators (NMS, RoI align, …) do not
load and importing it fails as their schemas are missing. None of the networks here uses them: declaring the names is
enough. Import this module before torchvision.
"""
import importlib.util
import pathlib
import re

import torch

_root = pathlib.Path(importlib.util.find_spec("torchvision").submodule_search_locations[0])
_source = (_root / "_meta_registrations.py").read_text()
_names = set(re.findall(r'register_fake\("torchvision::(\w+)"\)', _source))
_names |= set(re.findall(r'register_meta\("(\w+)"\)', _source))
try:
    import torchvision.extension
    _loaded = torchvision.extension._has_ops()
except RuntimeError:
    _loaded = False
if not _loaded:
    _library = torch.library.Library("torchvision", "DEF")
    for _name in sorted(_names):
        _library.define(f"{_name}(Tensor x) -> Tensor")
