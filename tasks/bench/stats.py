"""Class fractions of zones by exactextract.

    stats.py MAP ZONES STRATEGY
"""
import json
import sys

import exactextract

with open(sys.argv[2]) as file:
    features = json.load(file)["features"]
results = exactextract.exact_extract(
    sys.argv[1], features, ["count", "unique", "frac", "majority", "variety"],
    strategy=sys.argv[3], max_cells_in_memory=30_000_000)
print(len(results))
