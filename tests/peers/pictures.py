"""Write PNGs and JPEGs with Pillow, and say what GDAL reads. Usage: pictures.py FOLDER."""

import hashlib
import json
import os
import sys
import warnings

import numpy
import rasterio
from PIL import Image

warnings.simplefilter("ignore")
FOLDER = sys.argv[1]
random = numpy.random.default_rng(1)
noise = random.integers(0, 256, (37, 53, 4), dtype="uint8")
slope = numpy.add.outer(numpy.arange(150), numpy.arange(210))
smooth = numpy.stack([slope % 256, slope * 2 % 256, slope // 2 % 256], -1).astype("uint8")


def save(name, image, **options):
    image.save(f"{FOLDER}/{name}", **options)


save("grey.png", Image.fromarray(noise[..., 0]))
save("rgb.png", Image.fromarray(noise[..., :3]))
save("rgba.png", Image.fromarray(noise))
save("grey_alpha.png", Image.fromarray(noise[..., :2], "LA"))
save("bits1.png", Image.fromarray(noise[..., 0] > 128))
save("grey16.png", Image.fromarray(random.integers(0, 65536, (37, 53), dtype="uint16")))
palette = Image.fromarray(noise[..., 0] % 5, "P")
palette.putpalette([1, 2, 3, 255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
save("palette.png", palette)
save("palette_clear.png", palette, transparency=2)
for name, options in {
    "420": {"subsampling": 2},
    "422": {"subsampling": 1},
    "444": {"subsampling": 0},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True, "quality": 30},
}.items():
    save(f"{name}.jpg", Image.fromarray(smooth), **options)
    save(f"{name}_grey.jpg", Image.fromarray(smooth[..., 0]), **{k: v for k, v in options.items() if k != "subsampling"})
save("restart.jpg", Image.fromarray(smooth), restart_marker_blocks=3)
save("one_pixel.jpg", Image.fromarray(smooth[:1, :1]))

files = []
for name in sorted(os.listdir(FOLDER)):
    with rasterio.open(f"{FOLDER}/{name}") as file:
        image = file.read()
        files.append({
            "path": f"{FOLDER}/{name}",
            "shape": list(image.shape),
            "dtype": str(image.dtype),
            "nodata": file.nodata,
            "image": hashlib.sha256(image.tobytes()).hexdigest(),
        })
print(json.dumps(files))
