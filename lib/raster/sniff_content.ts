/**
 * What a file looks like from its first bytes, for messages that help.
 *
 * @module
 */

/** Kinds of content that are told apart. */
export type Content =
  | "tiff"
  | "png"
  | "jpeg"
  | "empty"
  | "gitLfs"
  | "html"
  | "xml"
  | "json"
  | "zip"
  | "gzip"
  | "pdf"
  | "hdf5"
  | "netcdf"
  | "jpeg2000"
  | "webp"
  | "gif"
  | "tar"
  | "numpy"
  | "vrt"
  | "text"
  | "unknown";

const DESCRIPTIONS: Readonly<Record<Content, string>> = {
  tiff: "a TIFF",
  png: "a PNG",
  jpeg: "a JPEG",
  empty: "empty",
  gitLfs: "a Git LFS pointer (run `git lfs pull` to get the file)",
  html: "an HTML page",
  xml: "an XML file",
  json: "a JSON file",
  zip: "a zip archive",
  gzip: "a gzip file",
  pdf: "a PDF",
  hdf5: "an HDF5 file",
  netcdf: "a NetCDF file",
  jpeg2000: "a JPEG 2000 image",
  webp: "a WebP image",
  gif: "a GIF image",
  tar: "a tar archive (perhaps a patch stream)",
  numpy: "a NumPy array",
  vrt: "a GDAL VRT",
  text: "a text file",
  unknown: "of an unknown format",
};

/** Content by the bytes that it starts with. */
const SIGNATURES: readonly (readonly [Content, readonly (number | null)[]])[] = [
  ["tiff", [0x49, 0x49, 42, 0]],
  ["tiff", [0x4d, 0x4d, 0, 42]],
  ["tiff", [0x49, 0x49, 43, 0]],
  ["tiff", [0x4d, 0x4d, 0, 43]],
  ["png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["jpeg", [0xff, 0xd8, 0xff]],
  ["zip", [0x50, 0x4b, 3, 4]],
  ["gzip", [0x1f, 0x8b]],
  ["pdf", [0x25, 0x50, 0x44, 0x46]],
  ["hdf5", [0x89, 0x48, 0x44, 0x46]],
  ["netcdf", [0x43, 0x44, 0x46]],
  ["jpeg2000", [0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20]],
  ["jpeg2000", [0xff, 0x4f, 0xff, 0x51]],
  ["webp", [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]],
  ["gif", [0x47, 0x49, 0x46, 0x38]],
  ["numpy", [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
];

/** Where a tar has its magic, `ustar`. */
const TAR_MAGIC_AT = 257;

/**
 * Tell the content of a file from its start.
 *
 * @param start Its first bytes; 512 are enough.
 * @returns What it looks like.
 */
export function sniffContent(start: Uint8Array): Content {
  if (start.length === 0) return "empty";
  for (const [content, signature] of SIGNATURES) {
    if (signature.every((byte, index) => byte === null || start[index] === byte)) return content;
  }
  const latin = Array.from(start, (byte) => String.fromCharCode(byte)).join("");
  if (latin.startsWith("ustar", TAR_MAGIC_AT)) return "tar";
  // A TIFF of another version is still best described by the TIFF reader.
  if (latin.startsWith("II") || latin.startsWith("MM")) {
    if (start.length < 8 || start[2] === 0 || start[3] === 0) return "tiff";
  }
  const text = latin.replace(/^\u00ef\u00bb\u00bf/, "").trimStart();
  if (text.startsWith("version https://git-lfs")) return "gitLfs";
  if (/^<(!doctype html|html)/i.test(text)) return "html";
  if (text.startsWith("<VRTDataset")) return "vrt";
  if (/^<(\?xml|[A-Za-z])/.test(text)) return "xml";
  if (/^[{[]/.test(text)) return "json";
  // deno-lint-ignore no-control-regex
  return /[\x00-\x08\x0e-\x1f]/.test(latin) ? "unknown" : "text";
}

/** What a content is called, with its article. */
export function describeContent(content: Content): string {
  return DESCRIPTIONS[content];
}
