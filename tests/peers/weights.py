"""The Python side of weights_test.ts.

    weights.py save DIRECTORY     write tensors with torch.save and safetensors, print what they hold
    weights.py fixture FILE       write the file that tests/lib/weights reads without Python, fixtures/state_dict.pt;
                                  prints fixtures/state_dict.json
    weights.py rewrite FROM TO    read a safetensors file, print what it holds and write it again
    weights.py cached ID FILE DIRECTORY     print where huggingface_hub finds a file in its cache
    weights.py download ID DIRECTORY ENDPOINT  let huggingface_hub download a model
    weights.py segformer DIRECTORY          save a tiny SegFormer, print its file and its state
    weights.py load-segformer DIRECTORY     load it again and print what transformers made of it
"""

import json
import sys
from collections import OrderedDict
from pathlib import Path


def describe(tensors):
    """Name to element type, shape and row-major bytes, as swath reads them (bfloat16 widened)."""
    import torch

    described = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach()
        if tensor.dtype == torch.bfloat16:
            tensor = tensor.float()
        flat = tensor.contiguous().reshape(-1)
        data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
        described[name] = {
            "dtype": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "data": data.hex(),
        }
    return described


def every_type():
    import torch

    torch.manual_seed(7)
    tensors = OrderedDict()
    for name in "float64 float32 float16 bfloat16".split():
        tensors[name] = torch.randn(3, 4).to(getattr(torch, name))
    for name in "int64 int32 int16 int8 uint8 uint16 uint32 uint64".split():
        tensors[name] = torch.randint(0, 127, (2, 3, 2)).to(getattr(torch, name))
    tensors["bool"] = torch.tensor([True, False, True])
    tensors["scalar"] = torch.tensor(3.5)
    tensors["empty"] = torch.zeros(0, 4)
    tensors["special"] = torch.tensor([float("nan"), float("inf"), -0.0, 1e-45])
    tensors["names: ü 🌲 \" \\ \n"] = torch.ones(1)
    return tensors


def views():
    import torch

    base = torch.arange(120.0).reshape(2, 3, 4, 5)
    return OrderedDict(
        base=base,
        same=base,
        transposed=base.permute(3, 1, 0, 2),
        sliced=base[:, 1:, ::2, 3],
        part=base.view(-1)[7:19],
        expanded=torch.arange(3).reshape(3, 1).expand(3, 4),
        half=torch.arange(24).half().reshape(4, 6).t(),
        bfloat=torch.arange(24).bfloat16().reshape(4, 6)[1:, 1::2],
        channels_last=torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
        flags=torch.tensor([[True, False], [False, False]]).t(),
    )


def repack_as_zip64(source, target):
    """Archives beyond 4 GiB have sizes of 64 bits; a lower limit makes small ones have them too."""
    import zipfile

    zipfile.ZIP64_LIMIT = 10
    zipfile.ZIP_FILECOUNT_LIMIT = 1
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))


def save(directory):
    import torch
    from safetensors.torch import save_file

    torch.save(every_type(), directory / "types.pt")
    torch.save({"meta": {"epoch": 3, "mIoU": 0.5}, "state_dict": views()}, directory / "views.pth")
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 2), torch.nn.BatchNorm2d(4))
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    checkpoint = {"model": module.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 2**40}
    torch.save(checkpoint, directory / "checkpoint.pt")
    torch.save(dict(module.named_parameters()), directory / "parameters.pt")
    torch.save(every_type(), directory / "protocol4.pt", pickle_protocol=4)
    repack_as_zip64(directory / "types.pt", directory / "zip64.pt")
    torch.serialization.set_crc32_options(False)
    torch.save(every_type(), directory / "fast_checksums.pt")
    torch.serialization.set_crc32_options(True)
    save_file(every_type(), directory / "types.safetensors", metadata={"format": "pt", "a": "b"})
    files = {
        "types.pt": every_type(),
        "views.pth": views(),
        "checkpoint.pt": module.state_dict(),
        "parameters.pt": dict(module.named_parameters()),
        "protocol4.pt": every_type(),
        "zip64.pt": every_type(),
        "fast_checksums.pt": every_type(),
        "types.safetensors": every_type(),
    }
    torch.save(module, directory / "module.pt")
    torch.save(every_type(), directory / "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"w": torch.zeros(2, dtype=torch.complex64)}, directory / "complex.pt")
    torch.jit.save(torch.jit.script(module), directory / "script.pt")
    return {name: describe(tensors) for name, tensors in files.items()}


def fixture(path):
    import torch

    base = torch.arange(12.0).reshape(3, 4)
    state = OrderedDict(weight=base, transposed=base.t(), row=base[1], bias=torch.ones(2).bfloat16())
    module = torch.nn.BatchNorm1d(2)
    state.update((f"norm.{name}", tensor) for name, tensor in module.state_dict().items())
    torch.save({"state_dict": state, "epoch": 12}, path)
    return describe(state)


def rewrite(source, target):
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(source, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    save_file(tensors, target, metadata=metadata)
    return {"metadata": metadata, "tensors": describe(tensors)}


def cached(repo, name, directory):
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    repo, _, revision = repo.partition("@")
    options = {"revision": revision or None, "cache_dir": directory}
    return {
        "found": str(try_to_load_from_cache(repo, name, **options)),
        "local": hf_hub_download(repo, name, local_files_only=True, **options),
    }


def download(repo, directory, endpoint):
    from huggingface_hub import hf_hub_download

    names = ["config.json", "model.safetensors"]
    return [hf_hub_download(repo, name, cache_dir=directory, endpoint=endpoint) for name in names]


def segformer(directory):
    from safetensors.torch import load_file
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(
        num_channels=3,
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 8, 8],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8,
        id2label={0: "water", 1: "forest", 2: "field"},
        label2id={"water": 0, "forest": 1, "field": 2},
    )
    model = SegformerForSemanticSegmentation(config)
    model.save_pretrained(directory)
    # Names on disk differ from those of the modules.
    stored = load_file(Path(directory) / "model.safetensors")
    return {"file": describe(stored), "state": describe(model.state_dict())}


def load_segformer(directory):
    from transformers import SegformerForSemanticSegmentation

    model, info = SegformerForSemanticSegmentation.from_pretrained(
        directory, output_loading_info=True
    )
    problems = {key: sorted(map(str, value)) for key, value in info.items() if value}
    return {
        "problems": problems,
        "id2label": {str(key): value for key, value in model.config.id2label.items()},
        "swath": model.config.to_dict().get("swath"),
        "tensors": describe(model.state_dict()),
    }


COMMANDS = {
    "save": lambda directory: save(Path(directory)),
    "fixture": fixture,
    "rewrite": rewrite,
    "cached": cached,
    "download": download,
    "segformer": segformer,
    "load-segformer": load_segformer,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
