"""What GDAL and rio-cogeo find in GeoTIFFs: one JSON object a file, for the paths given.

`overviews` says of every overview whether it is the one that halving the level above it must give:
the most frequent value (first in reading order among equals) or the mean (halves up), pixels without
data left out.
"""

import hashlib
import json
import sys
import warnings

import numpy as np
import rasterio
from rio_cogeo.cogeo import cog_validate

warnings.filterwarnings("ignore")


def digest(array):
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
    return hashlib.sha256(array.tobytes()).hexdigest()


def quads(band):
    """The four pixels under each pixel of the next level; NaN-free masks say which exist."""
    height, width = band.shape
    padded = np.zeros((height + height % 2, width + width % 2), band.dtype)
    padded[:height, :width] = band
    there = np.zeros(padded.shape, bool)
    there[:height, :width] = True
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)]
    return (
        np.stack([padded[y::2, x::2] for y, x in corners]),
        np.stack([there[y::2, x::2] for y, x in corners]),
    )


def halve(band, how, nodata):
    values, there = quads(band)
    data = there.copy()
    if nodata is not None:
        data &= values != np.array(nodata).astype(band.dtype)
    if how == "nearest":
        return values[0]
    if how == "mode":
        votes = np.stack([((values == value) & data).sum(0) * own for value, own in zip(values, data)])
        return np.take_along_axis(values, votes.argmax(0)[None], 0)[0]
    if band.dtype.kind == "f":
        data &= ~np.isnan(values)
    count = data.sum(0)
    total = np.where(data, values, 0).astype("f8").sum(0)
    mean = total / np.maximum(count, 1)
    if band.dtype.kind != "f":
        mean = np.floor(mean + 0.5)
    first = np.take_along_axis(values, data.argmax(0)[None], 0)[0]
    mean = mean.astype(band.dtype)
    lost = count == 0
    if nodata is not None:
        lost |= mean == np.array(nodata).astype(band.dtype)
    return np.where(lost, first, mean)


def describe(path, how):
    with rasterio.open(path) as source:
        pixels = source.read()
        found = {
            "sha256": digest(pixels),
            "dtype": source.dtypes[0],
            "shape": pixels.shape,
            "transform": source.transform.to_gdal(),
            "crs": source.crs.to_wkt() if source.crs else None,
            "nodata": str(source.nodata) if source.nodata is not None else None,
            "descriptions": source.descriptions,
            "scales": source.scales,
            "offsets": source.offsets,
            "tags": source.tags(),
            "classes": source.tags(1).get("CLASS_NAMES"),
            "structure": source.tags(ns="IMAGE_STRUCTURE"),
            "colors": [color.name for color in source.colorinterp],
            "blocks": source.block_shapes[0],
            "bigtiff": open(path, "rb").read(4)[2] == 43,
        }
        try:
            colormap = source.colormap(1)
            found["colormap"] = [colormap[value] for value in range(4)]
        except ValueError:
            found["colormap"] = None
        count = len(source.overviews(1))
    above = pixels
    equal = []
    for level in range(count):
        with rasterio.open(path, overview_level=level) as overview:
            below = overview.read()
            nodata = overview.nodata
        reference = np.stack([halve(band, how, nodata) for band in above])
        equal.append(reference.shape == below.shape and np.array_equal(reference, below, equal_nan=True))
        above = below
    found["overviews"] = equal
    if how != "source":
        valid, errors, remarks = cog_validate(path, strict=True, quiet=True)
        found["cog"] = {"valid": valid, "errors": errors, "warnings": remarks}
    return found


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(describe(request["path"], request["how"])))
