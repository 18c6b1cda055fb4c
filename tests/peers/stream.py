"""Reads and rewrites patch streams with tarfile, NumPy and webdataset.

    stream.py numpy              stdin: a .npy file; prints its dtype, shape and sum, then saves it again
    stream.py tarfile FILE       prints each member with its checksum and the arrays' dtype, shape and sum
    stream.py webdataset FILE    the same through webdataset's own reader and decoder
    stream.py rewrite FILE OUT   copies a stream with webdataset's TarWriter
    stream.py repack FILE OUT F  copies a stream with tarfile in the format F (ustar, gnu, pax)
"""

import io
import json
import sys
import tarfile
import zlib

import numpy


def describe(array):
    return {"dtype": str(array.dtype), "shape": list(array.shape), "sum": float(array.sum(dtype="float64"))}


def read_tarfile(path):
    members = []
    with tarfile.open(path) as tar:
        for member in tar:
            data = tar.extractfile(member).read()
            entry = {"name": member.name, "crc32": zlib.crc32(data), "mtime": member.mtime}
            if member.name.endswith(".npy"):
                entry |= describe(numpy.load(io.BytesIO(data), allow_pickle=False))
            else:
                entry["json"] = json.loads(data)
            members.append(entry)
    return members


def read_webdataset(path):
    import webdataset

    samples = []
    for sample in webdataset.WebDataset(path, shardshuffle=False).decode():
        key = sample["__key__"]
        arrays = {name: describe(value) for name, value in sample.items() if name.endswith("npy")}
        samples.append({"key": key, "json": sample["json"], "arrays": arrays})
    return samples


def rewrite(path, out):
    import webdataset

    with webdataset.TarWriter(out, encoder=False) as writer:
        for sample in webdataset.WebDataset(path, shardshuffle=False):
            writer.write({name: value for name, value in sample.items() if name == "__key__" or not name.startswith("__")})


def repack(path, out, kind):
    formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
    with tarfile.open(path) as tar, tarfile.open(out, "w", format=formats[kind]) as target:
        for member in tar:
            data = tar.extractfile(member)
            info = tarfile.TarInfo("./" + member.name)
            info.size = member.size
            info.mtime = 1.7e9 + 0.25
            info.uname = "someone"
            target.addfile(info, data)


def main():
    command, *args = sys.argv[1:]
    if command == "numpy":
        array = numpy.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
        numpy.save(sys.stdout.buffer, array)
    elif command == "tarfile":
        print(json.dumps(read_tarfile(*args)))
    elif command == "webdataset":
        print(json.dumps(read_webdataset(*args)))
    elif command == "rewrite":
        rewrite(*args)
    elif command == "repack":
        repack(*args)


main()
