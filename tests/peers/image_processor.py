"""SegFormer's image processor of transformers, for tests/peers/normalization_test.ts.

Reads {"shape", "pixels"} from standard input; prints its configuration as saved and its output.
"""

import json
import sys

import numpy as np
from transformers import SegformerImageProcessor

case = json.load(sys.stdin)
image = np.array(case["pixels"], dtype=np.uint8).reshape(case["shape"])
processor = SegformerImageProcessor(do_resize=False)
output = processor(image, input_data_format="channels_first", return_tensors="pt")
json.dump(
    {"config": processor.to_json_string(), "pixels": output["pixel_values"].flatten().tolist()},
    sys.stdout,
)
