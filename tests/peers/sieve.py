"""rasterio.features.sieve, for tests/peers/sieve_test.ts: reads cases as JSON, prints the sieved maps."""

import json
import sys

import numpy as np
from rasterio.features import sieve

results = []
for case in json.load(sys.stdin):
    image = np.array(case["values"], dtype=np.uint8).reshape(case["height"], case["width"])
    mask = np.array(case["valid"], dtype=np.uint8).reshape(image.shape) * 255
    out = sieve(image, case["threshold"], mask=mask, connectivity=case["connectivity"])
    results.append(np.where(mask == 0, 255, out).flatten().tolist())
json.dump(results, sys.stdout)
