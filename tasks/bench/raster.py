"""The peers of the raster benchmark: rasterio, which is GDAL, with GDAL's own threads.

    python raster.py THREADS FOLDER/

The folder holds `scene.tif`. Writes `<interleave>-<codec>.small.tif` of it in every layout, then prints `ready`, and for each
line on standard input the seconds of the work named there: `read NAME.tif` reads all windows of 512×512, `write` writes the
band of `map.tif` as a Cloud-Optimized GeoTIFF.
"""
import sys, time

import rasterio
from rasterio.windows import Window

threads, folder = sys.argv[1], sys.argv[2]
SIZE = 512
environment = rasterio.Env(GDAL_NUM_THREADS=threads, GDAL_CACHEMAX=512)
environment.__enter__()

with rasterio.open(f"{folder}/scene.tif") as scene:
    profile = {**scene.profile, "tiled": True, "blockxsize": SIZE, "blockysize": SIZE, "predictor": 2}
    for interleave in ("pixel", "band"):
        for codec in ("deflate", "lzw", "zstd"):
            layout = {**profile, "interleave": interleave, "compress": codec}
            with rasterio.open(f"{folder}/{interleave}-{codec}.small.tif", "w", num_threads=threads, **layout) as copy:
                for _, window in copy.block_windows(1):
                    copy.write(scene.read(window=window), window=window)
with rasterio.open(f"{folder}/map.tif") as source:
    classes, map_profile = source.read(), source.profile


def read(name):
    with rasterio.open(f"{folder}/{name}", num_threads=threads) as scene:
        for row in range(0, scene.height, SIZE):
            for column in range(0, scene.width, SIZE):
                scene.read(window=Window(column, row, min(SIZE, scene.width - column), min(SIZE, scene.height - row)))


def write():
    keep = {key: map_profile[key] for key in ("dtype", "count", "width", "height", "crs", "transform", "nodata")}
    options = {"compress": "deflate", "overview_resampling": "mode", "blocksize": SIZE, "num_threads": threads}
    with rasterio.open(f"{folder}/gdal.tif", "w", driver="COG", **keep, **options) as copy:
        copy.write(classes)


print("ready", flush=True)
for line in sys.stdin:
    work, *names = line.split()
    start = time.perf_counter()
    {"read": read, "write": write}[work](*names)
    print(time.perf_counter() - start, flush=True)
