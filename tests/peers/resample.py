"""Rasters warped by GDAL onto the grid of another: the first argument is that raster, then pairs of a
path and a resampling. Writes for each its pixels as float64, without rounding, and its mask as bytes."""

import sys

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.warp import reproject

with rasterio.open(sys.argv[1]) as grid:
    shape, transform, crs = grid.shape, grid.transform, grid.crs

for path, method in zip(sys.argv[2::2], sys.argv[3::2]):
    with rasterio.open(path) as source:
        pixels = source.read(1).astype(np.float64)
        target = np.zeros(shape, pixels.dtype)
        mask = np.zeros(shape, np.uint8)
        common = dict(
            src_transform=source.transform,
            src_crs=crs,
            dst_transform=transform,
            dst_crs=crs,
            tolerance=0,
        )
        reproject(
            pixels,
            target,
            src_nodata=source.nodata,
            dst_nodata=source.nodata,
            resampling=Resampling[method],
            **common,
        )
        # The pixel that the middle falls into decides whether there is data.
        reproject(
            source.read_masks(1), mask, src_nodata=None, resampling=Resampling.nearest, **common
        )
    sys.stdout.buffer.write(target.astype("<f8").tobytes())
    sys.stdout.buffer.write((mask > 0).astype(np.uint8).tobytes())
