"""Polygons of rasterio, which is GDAL, against those that swath wrote.

    polygonize.py random FILE                 a class map with regions of all sizes
    polygonize.py compare MAP VECTOR CONNECTIVITY
    polygonize.py simple VECTOR               whether polygons are valid and overlap nowhere
"""
import json
import sys
import warnings

warnings.simplefilter("ignore")
import numpy


def random(path):
    import rasterio
    from scipy import ndimage

    rng = numpy.random.default_rng(5)
    noise = ndimage.gaussian_filter(rng.normal(size=(5, 150, 210)), (0, 2, 2))
    classes = noise.argmax(0).astype("uint8")
    speckle = rng.random(classes.shape) < 0.03
    classes[speckle] = rng.integers(0, 5, speckle.sum())
    classes[rng.random(classes.shape) < 0.01] = 255
    profile = dict(driver="GTiff", width=210, height=150, count=1, dtype="uint8", nodata=255,
                   crs="EPSG:32633", transform=rasterio.Affine(10, 0, 600000, 0, -10, 5200000))
    with rasterio.open(path, "w", **profile) as f:
        f.write(classes, 1)


def layer(path):
    import pyogrio.raw
    import shapely

    meta, _, geometry, data = pyogrio.raw.read(path)
    fields = dict(zip(meta["fields"], data))
    return shapely.from_wkb(geometry), fields


def compare(path, vector, connectivity):
    import rasterio
    import rasterio.features
    import shapely
    import shapely.geometry

    with rasterio.open(path) as f:
        band, mask, transform = f.read(1), f.read_masks(1) > 0, f.transform
    theirs = {}
    for shape, value in rasterio.features.shapes(band, mask, connectivity, transform):
        # With 8 neighbours, GDAL draws parts that touch at a corner as one ring, which is not valid.
        polygon = shapely.make_valid(shapely.geometry.shape(shape))
        key = (int(value), tuple(shapely.bounds(polygon)), round(polygon.area, 3))
        theirs.setdefault(key, []).append(polygon)
    shapes, fields = layer(vector)
    unequal = 0
    for shape, value in zip(shapes, fields["class"]):
        key = (int(value), tuple(shapely.bounds(shape)), round(shape.area, 3))
        matches = [p for p in theirs.get(key, []) if p.equals(shape)]
        if not matches:
            unequal += 1
        else:
            theirs[key].remove(matches[0])
    areas = {int(v): float(sum(s.area for s, c in zip(shapes, fields["class"]) if c == v))
             for v in numpy.unique(fields["class"])}
    pixels = {int(v): int(((band == v) & mask).sum()) for v in numpy.unique(band[mask])}
    return {
        "polygons": len(shapes),
        "unequal": unequal,
        "left": sum(len(v) for v in theirs.values()),
        "invalid": int((~shapely.is_valid(shapes)).sum()),
        "areas": areas,
        "pixels": pixels,
    }


def simple(vector):
    import shapely

    shapes, fields = layer(vector)
    return {
        "polygons": len(shapes),
        "invalid": int((~shapely.is_valid(shapes)).sum()),
        "area": float(sum(s.area for s in shapes)),
        "union": float(shapely.union_all(shapely.make_valid(shapes)).area),
        "points": int(sum(shapely.get_num_coordinates(s) for s in shapes)),
    }


if sys.argv[1] == "random":
    random(sys.argv[2])
    print("{}")
elif sys.argv[1] == "simple":
    print(json.dumps(simple(sys.argv[2])))
else:
    print(json.dumps(compare(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
