"""Vector files as GDAL writes and reads them, and coordinates as PROJ has them.

    vector.py write FOLDER      layers of each format into the folder, and what they hold
    vector.py transform         [[from, to, [[x, y], …]], …] on standard input, moved on standard output
    vector.py read FILE         what GDAL finds in a file that swath wrote
"""
import json
import sys
import warnings

warnings.simplefilter("ignore")


def described(path, layer=None):
    import numpy
    import pyogrio.raw
    import shapely

    meta, fids, geometry, data = pyogrio.raw.read(path, layer=layer, return_fids=True)
    shapes = shapely.from_wkb(geometry)

    def plain(value):
        if value is None or (isinstance(value, float) and numpy.isnan(value)):
            return None
        if isinstance(value, numpy.generic):
            return value.item()
        return value

    info = pyogrio.read_info(path, layer=layer)
    return {
        "driver": info["driver"],
        "crs": meta["crs"],
        "fields": list(meta["fields"]),
        "types": [str(t) for t in info["dtypes"]],
        "features": [
            {
                "properties": {f: plain(data[i][n]) for i, f in enumerate(meta["fields"])},
                "area": None if s is None else shapely.area(s),
                "points": None if s is None else int(shapely.get_num_coordinates(s)),
                "bounds": None if s is None or s.is_empty else list(shapely.bounds(s)),
                "valid": None if s is None else bool(shapely.is_valid(s)),
                "type": None if s is None else s.geom_type,
            }
            for n, s in enumerate(shapes)
        ],
    }


def write(folder):
    import numpy
    import pyogrio.raw
    import shapely

    rng = numpy.random.default_rng(3)
    shapes = []
    for n in range(40):
        x, y = rng.uniform(600000, 700000), rng.uniform(5200000, 5300000)
        outer = shapely.Point(x, y).buffer(rng.uniform(500, 5000), quad_segs=8)
        hole = shapely.Point(x, y).buffer(200)
        part = outer.difference(hole)
        if n % 3 == 0:
            part = shapely.MultiPolygon([part, shapely.Point(x + 20000, y).buffer(300)])
        shapes.append(part)
    fields = ["name", "count", "share", "whole"]
    data = [
        numpy.array([f"Zoné {n} ‰" for n in range(40)], dtype=object),
        numpy.arange(40, dtype="int64") * 1000003,
        rng.uniform(-1, 1, 40),
        numpy.arange(40, dtype="int32") % 2 == 0,
    ]
    names = []
    for name, driver, crs, options in [
        ("a.gpkg", "GPKG", "EPSG:32633", {}),
        ("a.fgb", "FlatGeobuf", "EPSG:32633", {}),
        ("noindex.fgb", "FlatGeobuf", "EPSG:32633", {"SPATIAL_INDEX": "NO"}),
        ("a.shp", "ESRI Shapefile", "EPSG:32633", {}),
        ("latin.shp", "ESRI Shapefile", "EPSG:2154", {"ENCODING": "CP1252"}),
        ("a.geojson", "GeoJSON", "EPSG:32633", {}),
        ("a.geojsonl", "GeoJSONSeq", "EPSG:4326", {}),
        ("rs.geojsons", "GeoJSONSeq", "EPSG:4326", {"RS": "YES"}),
    ]:
        pyogrio.raw.write(
            f"{folder}/{name}",
            shapely.to_wkb(numpy.array(shapes, dtype=object)),
            data,
            fields,
            geometry_type="Unknown" if not name.endswith("shp") else "Polygon",
            crs=crs,
            driver=driver,
            **options,
        )
        names.append(name)
    return {name: described(f"{folder}/{name}") for name in names}


def transform(requests):
    import pyproj

    results = []
    for source, target, points in requests:
        transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
        results.append([list(transformer.transform(*point)) for point in points])
    return results


if sys.argv[1] == "write":
    print(json.dumps(write(sys.argv[2])))
elif sys.argv[1] == "read":
    print(json.dumps(described(sys.argv[2])))
else:
    print(json.dumps(transform(json.load(sys.stdin))))
