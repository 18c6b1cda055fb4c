"""Statistics and normalization by NumPy, for tests/peers/normalization_test.ts.

Reads {"values", "dtype", "percentiles", "scale", "offset", "mean", "std"} from standard input.
"""

import json
import sys

import numpy as np

case = json.load(sys.stdin)
results = []
for band in case["bands"]:
    stored = np.array(band["values"], dtype=case["dtype"])
    valid = stored[np.array(case["valid"], dtype=bool)].astype(np.float64)
    valid = valid[np.isfinite(valid)]
    physical = stored.astype(np.float64) * band["scale"] + band["offset"]
    results.append({
        "count": int(valid.size),
        "min": valid.min(),
        "max": valid.max(),
        "mean": valid.mean(),
        "std": valid.std(),
        "percentiles": np.percentile(valid, case["percentiles"]).tolist(),
        "normalized": ((physical - band["mean"]) / band["std"]).tolist(),
    })
json.dump(results, sys.stdout)
