"""The peers of the inference benchmark: transformers' SegFormer in PyTorch, as an ONNX file and in OpenVINO.

    python infer.py CONFIG_JSON IMAGE_SHAPE_JSON THREADS FOLDER/

Writes to the folder a model with random weights (save_pretrained), its ONNX export `plain.onnx`, and
`expected.safetensors` with the input `x` and the logits by `torch` and `openvino`. Then prints `ready`, and for each
line `torch` or `openvino` on standard input the seconds of one run. Weights are drawn wider than transformers draws new
ones, so that every path of the network has a say in the result.
"""
import json, sys, time

import openvino
import torch
from safetensors.torch import save_file
from transformers import SegformerConfig, SegformerForSemanticSegmentation

config, shape, threads, folder = json.loads(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(threads)
torch.manual_seed(0)
model = SegformerForSemanticSegmentation(SegformerConfig.from_dict(config)).eval()
with torch.no_grad():
    for name, tensor in model.state_dict().items():
        if tensor.dtype != torch.float32:
            continue
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2)
        elif tensor.ndim == 1:
            tensor.add_(torch.randn_like(tensor) * 0.1)
        else:
            tensor.normal_(0, (1.5 / tensor[0].numel()) ** 0.5)
model.save_pretrained(folder)
raw = torch.randint(0, 10000, shape, dtype=torch.int32)
x = (raw.float() / 10000 - 0.5) / 0.25


class Logits(torch.nn.Module):
    """The model as a function from one tensor to one tensor, as exporters want it."""

    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values).logits


path = f"{folder}/plain.onnx"
stdout, sys.stdout = sys.stdout, sys.stderr  # The exporter reports its progress there.
torch.onnx.export(
    Logits(), (x,), path, input_names=["x"], output_names=["logits"], dynamo=True, external_data=False, opset_version=20
)
sys.stdout = stdout

core = openvino.Core()
options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
compiled = core.compile_model(core.read_model(path), "CPU", options)
request = compiled.create_infer_request()
array = x.numpy()


def run_torch():
    with torch.inference_mode():
        return model(x).logits


def run_openvino():
    return torch.from_numpy(request.infer({0: array})[0])


runs = {"torch": run_torch, "openvino": run_openvino}
expected = {name: run().contiguous() for name, run in runs.items()}
save_file({"x": x, "raw": raw, **expected}, f"{folder}/expected.safetensors")
print("ready", flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    runs[line.strip()]()
    print(time.perf_counter() - start, flush=True)
