"""Compare what swath draws with what GDAL and Pillow make of the same. Usage: render.py FOLDER SCENE LABELS.

FOLDER holds map.png and map.webp (the labels, pixel by pixel), ndvi.png (a grey ramp over -1 to 1) and half.png
(the labels at half the size). Prints JSON: the largest differences.
"""

import json
import sys

import numpy
import rasterio
from PIL import Image

folder, scene_path, labels_path = sys.argv[1:]
pixels = lambda name: numpy.asarray(Image.open(f"{folder}/{name}").convert("RGBA")).astype(int)
with rasterio.open(labels_path) as labels:
    classes, mask = labels.read(1), labels.read_masks(1) > 0
with rasterio.open(scene_path) as scene:
    red, near = (scene.read(band).astype(float) for band in (4, 8))

colors = numpy.zeros((256, 3), int)
for value, color in {1: (255, 0, 0), 2: (0, 255, 0), 3: (0, 0, 255), 4: (255, 255, 0), 8: (1, 2, 3)}.items():
    colors[value] = color
png, webp = pixels("map.png"), pixels("map.webp")
expected = numpy.concatenate([colors[classes] * mask[..., None], 255 * mask[..., None]], -1)

ndvi = (near - red) / (near + red)
low, high = pixels("ndvi.png")[..., 0], numpy.clip((ndvi + 1) / 2, 0, 1)

half = pixels("half.png")
rows, columns = half.shape[:2]
wrong = 0
for row in range(rows):
    for column in range(columns):
        y = [i for i in range(classes.shape[0]) if int((i + 0.5) * rows / classes.shape[0]) == row]
        x = [i for i in range(classes.shape[1]) if int((i + 0.5) * columns / classes.shape[1]) == column]
        box = classes[numpy.ix_(y, x)][mask[numpy.ix_(y, x)]]
        if box.size == 0:
            wrong += half[row, column, 3] != 0
            continue
        counts = numpy.bincount(box, minlength=256)
        winner = counts.argmax()
        if counts[winner] * 2 > box.size:
            wrong += (half[row, column, :3] != colors[winner]).any()
print(json.dumps({
    "png": int(abs(png - expected).max()),
    "webp": int(abs(webp - png).max()),
    # Vega's greys are even in lightness: brighter where NDVI is higher, in the same order.
    "ndvi": float(numpy.corrcoef(low.ravel(), high.ravel())[0, 1]),
    "half": int(wrong),
}))
