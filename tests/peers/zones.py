"""Zonal statistics of exactextract and of rasterstats, which is GDAL's rasterization.

    zones.py exact RASTER ZONES          exactextract: statistics and class shares, every band
    zones.py RULE RASTER ZONES           rasterstats with centre or all-touched
    zones.py random FOLDER               random rasters and polygons
    zones.py project ZONES TO FILE       zones of WGS 84 in another system, by PROJ
"""
import json
import sys
import warnings

warnings.simplefilter("ignore")


def features(path):
    with open(path) as file:
        collection = json.load(file)
    return collection.get("features", [collection])


def exact(raster, zones):
    import exactextract
    import numpy

    ops = ["count", "min", "max", "mean", "stdev", "sum", "median", "variety", "majority",
           "quantile(q=0.1)", "quantile(q=0.9)", "unique", "frac"]
    results = exactextract.exact_extract(raster, features(zones), ops)

    def plain(value):
        if isinstance(value, numpy.ndarray):
            return [plain(v) for v in value]
        if isinstance(value, (numpy.generic,)):
            value = value.item()
        if value is None or value != value:
            return None
        return value

    return [{k: plain(v) for k, v in r["properties"].items()} for r in results]


def gdal(rule, raster, zones):
    import rasterstats

    touched = rule == "all-touched"
    values = rasterstats.zonal_stats(
        zones, raster, all_touched=touched,
        stats="count min max mean std sum median percentile_10 percentile_90")
    classes = rasterstats.zonal_stats(zones, raster, all_touched=touched, categorical=True)
    results = []
    for stats, counts in zip(values, classes):
        stats = {k: None if v is None or v != v else float(v) for k, v in stats.items()}
        stats["classes"] = {str(int(k)) if float(k).is_integer() else str(k): int(v)
                            for k, v in counts.items() if v > 0}
        results.append(stats)
    return results


def random(folder):
    import numpy
    import rasterio
    import shapely
    import shapely.affinity

    rng = numpy.random.default_rng(7)
    width, height = 97, 83
    transform = rasterio.Affine(10, 0, 600000, 0, -10, 5200000)
    profile = dict(driver="GTiff", width=width, height=height, crs="EPSG:32633",
                   transform=transform, tiled=True, blockxsize=32, blockysize=32)
    classes = rng.integers(0, 6, (height, width)).astype("uint8")
    classes[rng.random((height, width)) < 0.1] = 255
    with rasterio.open(f"{folder}/classes.tif", "w", dtype="uint8", count=1, nodata=255, **profile) as f:
        f.write(classes, 1)
    values = rng.normal(1000, 30, (height, width)).astype("float32")
    values[rng.random((height, width)) < 0.1] = numpy.nan
    with rasterio.open(f"{folder}/values.tif", "w", dtype="float32", count=1, nodata=numpy.nan, **profile) as f:
        f.write(values, 1)
    integers = rng.integers(-50, 50, (height, width)).astype("int16")
    with rasterio.open(f"{folder}/integers.tif", "w", dtype="int16", count=1, nodata=-50, **profile) as f:
        f.write(integers, 1)

    def blob(x, y, size, corners):
        angles = numpy.sort(rng.uniform(0, 2 * numpy.pi, corners))
        radii = size * rng.uniform(0.3, 1, corners)
        return shapely.Polygon(numpy.c_[x + radii * numpy.cos(angles), y + radii * numpy.sin(angles)])

    shapes = []
    for n in range(120):
        x = 600000 + rng.uniform(-100, 1070)
        y = 5200000 - rng.uniform(-100, 930)
        size = float(10 ** rng.uniform(-0.5, 2.9))
        shape = blob(x, y, size, int(rng.integers(3, 30)))
        if n % 4 == 1:
            shape = shape.difference(shapely.affinity.scale(shape, 0.4, 0.4))
        if n % 4 == 2:
            shape = shape.union(blob(x + 3 * size, y, size / 2, 8))
        if n % 4 == 3 and size > 20:
            # Corners on pixel corners: edges run along the sides of pixels.
            shape = shapely.box(*[10 * round(v / 10) for v in shape.bounds])
        if shape.is_valid and shape.area > 0 and shape.geom_type in ("Polygon", "MultiPolygon"):
            shapes.append(shape)
    collection = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "EPSG:32633"}},
        "features": [
            {"type": "Feature", "properties": {"n": n}, "geometry": shapely.geometry.mapping(s)}
            for n, s in enumerate(shapes)
        ],
    }
    with open(f"{folder}/zones.geojson", "w") as file:
        json.dump(collection, file)
    return len(shapes)


def project(path, to, target):
    import pyproj
    import shapely
    import shapely.geometry

    transformer = pyproj.Transformer.from_crs("EPSG:4326", to, always_xy=True)
    moved = []
    for feature in features(path):
        shape = shapely.geometry.shape(feature["geometry"])
        there = shapely.transform(shape, transformer.transform, interleaved=False)
        moved.append({**feature, "geometry": shapely.geometry.mapping(there)})
    with open(target, "w") as file:
        crs = {"type": "name", "properties": {"name": to}}
        json.dump({"type": "FeatureCollection", "crs": crs, "features": moved}, file)
    return len(moved)


command = sys.argv[1]
if command == "exact":
    print(json.dumps(exact(sys.argv[2], sys.argv[3])))
elif command == "random":
    print(json.dumps(random(sys.argv[2])))
elif command == "project":
    print(json.dumps(project(*sys.argv[2:5])))
else:
    print(json.dumps(gdal(command, sys.argv[2], sys.argv[3])))
