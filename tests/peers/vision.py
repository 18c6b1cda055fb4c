"""torchvision and segmentation-models-pytorch beside a PyTorch that torchvision was not built for.

PyPI's torchvision is built against PyTorch with CUDA. Beside another build its operators (NMS, RoI align, …) do not load, and
importing it fails as their schemas are missing. None of the networks here uses them: declaring the names is enough. As
transformers imports torchvision wherever it finds it, it lies in a folder of its own, `vision` in the environment, which only
scripts that import this module see. Import it before torchvision and transformers.
"""
import importlib.util
import pathlib
import re
import sys

import torch

_folder = pathlib.Path(sys.prefix) / "vision"
sys.path.append(str(_folder))
_found = importlib.util.find_spec("torchvision")
if _found is not None:
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        _root = pathlib.Path(_found.submodule_search_locations[0])
        _source = (_root / "_meta_registrations.py").read_text()
        _names = set(re.findall(r'register_fake\("torchvision::(\w+)"\)', _source))
        _names |= set(re.findall(r'register_meta\("(\w+)"\)', _source))
        library = torch.library.Library("torchvision", "DEF")
        for _name in sorted(_names):
            library.define(f"{_name}(Tensor x) -> Tensor")
        import torchvision  # noqa: F401
