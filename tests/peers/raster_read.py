"""Write GeoTIFFs with rasterio over types, codecs, layouts and byte orders, and say what GDAL reads.

Usage: raster_read.py FOLDER. Prints a JSON list, one object a file.
"""

import hashlib
import json
import sys
import warnings

import numpy
import rasterio
from rasterio.enums import MaskFlags
from rasterio.transform import Affine

warnings.simplefilter("ignore")
FOLDER = sys.argv[1]
RANDOM = numpy.random.default_rng(0)
TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
CODECS = ["none", "deflate", "lzw", "packbits", "zstd"]
files = []


def pixels(bands, height, width, dtype):
    """Smooth values with jumps, and the ends of the type's range."""
    slope = numpy.add.outer(numpy.arange(height), numpy.arange(width))
    values = numpy.stack([slope * (band + 1) for band in range(bands)])
    values = values + RANDOM.integers(0, 9, values.shape)
    if dtype.startswith("float"):
        return (values / 7 - 20).astype(dtype)
    info = numpy.iinfo(dtype)
    values = (values % min(info.max, 10**6)).astype(dtype)
    values[:, 0, 0] = info.min
    values[:, -1, -1] = info.max
    return values


def describe(path):
    with rasterio.open(path) as file:
        image = file.read()
        valid = numpy.ones(image.shape[1:], bool)
        for band, flags in enumerate(file.mask_flag_enums, start=1):
            if MaskFlags.all_valid not in flags:
                valid &= file.read_masks(band) > 0
        if image.dtype.kind == "f":
            valid &= numpy.isfinite(image).all(axis=0)
        files.append({
            "path": path,
            "shape": list(image.shape),
            "dtype": str(image.dtype),
            "image": hashlib.sha256(numpy.ascontiguousarray(image).tobytes()).hexdigest(),
            "valid": hashlib.sha256(valid.astype("uint8").tobytes()).hexdigest(),
            "nodata": None if file.nodata is None else str(file.nodata),
            "descriptions": list(file.descriptions),
            "scales": list(file.scales),
            "offsets": list(file.offsets),
            "epsg": file.crs.to_epsg() if file.crs else None,
            "transform": list(file.transform.to_gdal()),
            "overviews": len(file.overviews(1)),
        })


def write(name, image, after=None, **profile):
    path = f"{FOLDER}/{name}.tif"
    bands, height, width = image.shape
    profile.setdefault("crs", "EPSG:32633")
    profile.setdefault("transform", Affine(10, 0, 500000, 0, -10, 5100000))
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=bands, dtype=image.dtype, **profile
    ) as file:
        file.write(image)
        if after:
            after(file)
    describe(path)


# Types x codecs x layouts x byte orders x predictors.
for dtype in TYPES:
    for codec in CODECS:
        for number, layout in enumerate([
            {"interleave": "pixel"},
            {"interleave": "band"},
            {"interleave": "pixel", "tiled": True, "blockxsize": 32, "blockysize": 16},
            {"interleave": "band", "tiled": True, "blockxsize": 16, "blockysize": 32},
        ]):
            for endianness in ["LITTLE", "BIG"]:
                options = dict(layout, compress=codec, ENDIANNESS=endianness)
                if number == 0:
                    options["blockysize"] = 7
                if codec in ("deflate", "lzw", "zstd"):
                    options["predictor"] = 3 if dtype.startswith("float") and number % 2 else 2
                if endianness == "BIG":
                    options["BIGTIFF"] = "YES"
                write(f"{dtype}_{codec}_{number}_{endianness}", pixels(3, 45, 53, dtype), **options)

# LERC, alone and compressed once more.
for dtype in TYPES:
    for codec in [] if dtype.endswith("int64") else ["lerc", "lerc_deflate", "lerc_zstd"]:
        for number, layout in enumerate([
            {"interleave": "pixel", "blockysize": 7},
            {"interleave": "band"},
            {"interleave": "pixel", "tiled": True, "blockxsize": 32, "blockysize": 16, "BIGTIFF": "YES"},
            {"interleave": "band", "tiled": True, "blockxsize": 16, "blockysize": 32, "ENDIANNESS": "BIG"},
        ]):
            image = pixels(3, 45, 53, dtype)
            write(f"{dtype}_{codec}_{number}", image, compress=codec, MAX_Z_ERROR=0, **layout)
            # All pixels of some blocks without a value, and some of others, in one band and in all of them.
            if dtype.startswith("float"):
                image[:, :20, 10:40] = numpy.nan
                write(f"{dtype}_{codec}_{number}_masked", image, compress=codec, MAX_Z_ERROR=0, **layout)
                image[1, 15:33, 5:50] = numpy.nan
                write(f"{dtype}_{codec}_{number}_masks", image, compress=codec, MAX_Z_ERROR=0, nodata=numpy.nan, **layout)
        write(f"{dtype}_{codec}_even", numpy.full((2, 300, 300), 7, dtype), compress=codec, tiled=True)
    if dtype in ("uint8", "uint16"):
        for name, alpha in [("mask", numpy.iinfo(dtype).max), ("values", 200)]:
            image = pixels(4, 45, 53, dtype)
            image[3] = numpy.where(image[0] % 3 == 0, 0, alpha)
            write(f"{dtype}_lerc_alpha_{name}", image, compress="lerc", interleave="pixel", photometric="RGB", ALPHA="YES")

# Fewer bits than a byte, and odd widths.
for bits in [1, 2, 4, 7]:
    write(f"bits{bits}", pixels(1, 20, 21, "uint8") % 2**bits, NBITS=bits, compress="deflate")
write("bits12", pixels(2, 20, 21, "uint16") % 4096, NBITS=12)
write("half", pixels(2, 20, 21, "float32"), NBITS=16, compress="deflate", predictor=3)

# JPEG, as red, green and blue and as luma and chroma, and with extra bands.
smooth = pixels(3, 70, 90, "uint8")
for photometric in ["RGB", "YCBCR"]:
    for tiled in [False, True]:
        sizes = {"blockxsize": 48, "blockysize": 32} if tiled else {}
        write(
            f"jpeg_{photometric}_{tiled}", smooth, compress="jpeg", photometric=photometric,
            tiled=tiled, interleave="pixel", JPEG_QUALITY=85, **sizes,
        )
write("jpeg_grey", smooth[:1], compress="jpeg")
write("jpeg_planar", smooth, compress="jpeg", interleave="band")

# Nodata in its variants.
floats = pixels(2, 20, 21, "float32")
floats[0, 3, 4], floats[1, 5, 6], floats[0, 7, 8] = numpy.nan, numpy.inf, -9999
for nodata in [numpy.nan, -9999, -3.4028234663852886e38]:
    write(f"nodata_float_{nodata}", floats, nodata=nodata)
write("nodata_uint16", pixels(2, 20, 21, "uint16"), nodata=30)
write("nodata_int16", pixels(2, 20, 21, "int16"), nodata=-32768)
write("nodata_int64", pixels(1, 20, 21, "int64"), nodata=9)
write("nodata_0", numpy.zeros((2, 20, 21), "uint8"), nodata=0)

# Sparse files: blocks of nothing but nodata are not stored.
hollow = numpy.zeros((2, 64, 64), "uint16")
hollow[:, 20:30, 20:30] = 7
for nodata in [None, 0]:
    write(f"sparse_{nodata}", hollow, nodata=nodata, SPARSE_OK="TRUE", tiled=True, blockxsize=16, blockysize=16)

# Masks: internal, beside the file, alpha.
half_masked = numpy.zeros((20, 21), "uint8")
half_masked[5:, :9] = 255
image = pixels(3, 20, 21, "uint8")
with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
    write("mask_internal", image, lambda file: file.write_mask(half_masked), compress="deflate")
with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
    write("mask_sidecar", image, lambda file: file.write_mask(half_masked))
rgba = numpy.concatenate([image, half_masked[None]])
write("alpha", rgba, photometric="RGB", ALPHA="YES")


# Descriptions, scales, offsets; georeference in its variants.
def annotate(file):
    file.descriptions = ["B02", "B03 <&>", None]
    file.scales = [0.0001, 0.0001, 1]
    file.offsets = [-0.1, 0, 0.5]


write("annotated", pixels(3, 20, 21, "uint16"), annotate)
write("rotated", image, transform=Affine(8, 6, 500000, 6, -8, 5100000))
write("south_up", image, transform=Affine(10, 0, 500000, 0, 10, 5100000))
write("geographic", image, crs="EPSG:4326", transform=Affine(0.1, 0, 5, 0, -0.1, 48))
write("lambert", image, crs="EPSG:2154")
write("point", image, lambda file: file.update_tags(AREA_OR_POINT="Point"))


def with_overviews(file):
    file.build_overviews([2, 4])


write("overviews", pixels(3, 80, 90, "uint8"), with_overviews, compress="deflate", tiled=True, blockxsize=16, blockysize=16)

print(json.dumps(files))
