/**
 * Names and numbers of TIFF 6.0, GeoTIFF 1.1 and GDAL's private tags.
 *
 * @module
 */

/** Tag numbers that the reader looks at. */
export const TAG = {
  newSubfileType: 254,
  imageWidth: 256,
  imageLength: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  fillOrder: 266,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  predictor: 317,
  colorMap: 320,
  tileWidth: 322,
  tileLength: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  inkSet: 332,
  extraSamples: 338,
  sampleFormat: 339,
  jpegTables: 347,
  ycbcrCoefficients: 529,
  ycbcrSubsampling: 530,
  referenceBlackWhite: 532,
  modelPixelScale: 33550,
  modelTiepoint: 33922,
  modelTransformation: 34264,
  geoKeyDirectory: 34735,
  geoDoubleParams: 34736,
  geoAsciiParams: 34737,
  gdalMetadata: 42112,
  gdalNodata: 42113,
  lercParameters: 50674,
} as const;

/** Values of the Compression tag that are decoded. */
export const COMPRESSION = {
  none: 1,
  lzw: 5,
  jpeg: 7,
  adobeDeflate: 8,
  packbits: 32773,
  deflate: 32946,
  lerc: 34887,
  zstd: 50000,
} as const;

/** What the values of the Compression tag are called, for messages and for `format`. */
export const COMPRESSION_NAMES: Readonly<Record<number, string>> = {
  1: "uncompressed",
  2: "CCITT RLE",
  3: "CCITT group 3 fax",
  4: "CCITT group 4 fax",
  5: "LZW",
  6: "old-style JPEG",
  7: "JPEG",
  8: "deflate",
  9: "JBIG on black and white",
  10: "JBIG on colour",
  32766: "NeXT RLE",
  32771: "CCITT RLE, word aligned",
  32773: "packbits",
  32809: "ThunderScan",
  32895: "IT8 CT padding",
  32896: "IT8 line work",
  32897: "IT8 monochrome picture",
  32898: "IT8 binary line art",
  32908: "Pixar film",
  32909: "Pixar log",
  32946: "deflate",
  32947: "Kodak DCS",
  33003: "JPEG 2000",
  33005: "JPEG 2000",
  34661: "JBIG",
  34676: "SGI LogLuv",
  34677: "SGI LogLuv 24",
  34712: "JPEG 2000",
  34887: "LERC",
  34892: "lossy JPEG of DNG",
  34925: "LZMA",
  34926: "ZSTD, deprecated number",
  34927: "WebP, deprecated number",
  34933: "PNG",
  34934: "JPEG XR",
  50000: "ZSTD",
  50001: "WebP",
  50002: "JPEG XL",
  52546: "JPEG XL of DNG",
};

/** Values of the PhotometricInterpretation tag that matter to the reader. */
export const PHOTOMETRIC = {
  minIsWhite: 0,
  minIsBlack: 1,
  rgb: 2,
  palette: 3,
  mask: 4,
  separated: 5,
  ycbcr: 6,
  cieLab: 8,
  iccLab: 9,
  ituLab: 10,
  colorFilterArray: 32803,
  logL: 32844,
  logLuv: 32845,
} as const;

/** Size in bytes of the field types of TIFF and BigTIFF, by number. */
export const FIELD_SIZES: Readonly<Record<number, number>> = {
  1: 1, // BYTE
  2: 1, // ASCII
  3: 2, // SHORT
  4: 4, // LONG
  5: 8, // RATIONAL
  6: 1, // SBYTE
  7: 1, // UNDEFINED
  8: 2, // SSHORT
  9: 4, // SLONG
  10: 8, // SRATIONAL
  11: 4, // FLOAT
  12: 8, // DOUBLE
  13: 4, // IFD
  16: 8, // LONG8
  17: 8, // SLONG8
  18: 8, // IFD8
};
