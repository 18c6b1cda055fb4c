"""Images resized by Pillow, for tests/peers/resize_test.ts.

    python resize.py '[{"rows": 3, "columns": 4, "height": 2, "width": 2, "filter": "bilinear"}, …]'

Writes the bytes of each image, noise, and of what Pillow makes of it, one after the other.
"""

import json
import sys

import numpy as np
from PIL import Image

random = np.random.default_rng(0)
for case in json.loads(sys.argv[1]):
    image = Image.fromarray(random.integers(0, 256, (case["rows"], case["columns"]), dtype=np.uint8))
    resized = image.resize((case["width"], case["height"]), Image.Resampling[case["filter"].upper()])
    sys.stdout.buffer.write(image.tobytes() + resized.tobytes())
