/** Reference kernels of convolution, pooling and resampling. @module */
import { resizeMatrix } from "../axis_matrix.ts";
import {
  at,
  given,
  type Index,
  indices,
  type Kernel,
  type Kernels,
  offset,
  type Tensor,
  tensor,
  withAxis,
  zeros,
} from "./tensor.ts";

/** A window that slides over spatial axes. */
interface Window {
  readonly kernelShape: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

/** Positions that the taps of a window fall on, of which some may be in the padding. */
function* taps(
  { kernelShape, strides, dilations, pads }: Window,
  place: Index,
): Generator<[tap: Index, position: Index]> {
  for (const tap of indices(kernelShape)) {
    const position = tap.map((t, i) => place[i]! * strides[i]! - pads[i]! + t * dilations[i]!);
    yield [tap, position];
  }
}

const inside = (position: Index, extents: readonly number[]) =>
  position.every((p, i) => p >= 0 && p < extents[i]!);

/** Visit every product of a convolution: image element, map element, weight element. */
function visitConvolution(
  image: readonly number[],
  map: readonly number[],
  weight: Tensor,
  window: Window,
  group: number,
  visit: (image: Index, map: Index, weight: number) => void,
): void {
  const [batch, features] = map as [number, number];
  const perGroup = features / group;
  const channels = weight.shape[1]!;
  for (let n = 0; n < batch; n++) {
    for (let d = 0; d < features; d++) {
      const first = Math.floor(d / perGroup) * channels;
      for (const place of indices(map.slice(2))) {
        for (const [tap, position] of taps(window, place)) {
          if (!inside(position, image.slice(2))) continue;
          for (let c = 0; c < channels; c++) {
            visit([n, first + c, ...position], [n, d, ...place], at(weight, [d, c, ...tap]));
          }
        }
      }
    }
  }
}

function addBias(y: Tensor, bias: Tensor | null): Tensor {
  return bias === null ? y : tensor(y.shape, (index) => at(y, index) + bias.data[index[1]!]!);
}

/** A reduction of windows: `finish` sees the elements inside of the image. */
function pool(
  x: Tensor,
  shape: readonly number[],
  window: Window,
  finish: (positions: readonly Index[], place: Index) => number,
): Tensor {
  return tensor(shape, ([n, c, ...place]) => {
    const positions = [...taps(window, place)]
      .map(([, position]) => position)
      .filter((position) => inside(position, x.shape.slice(2)));
    return finish(positions.map((position) => [n!, c!, ...position]), place);
  });
}

function largest(x: Tensor, positions: readonly Index[]): Index {
  return positions.reduce((best, position) => at(x, position) > at(x, best) ? position : best);
}

function globalPool(x: Tensor, finish: (elements: readonly number[]) => number): Tensor {
  const [batch, channels, ...extents] = x.shape as [number, number, ...number[]];
  return tensor(
    [batch, channels, ...extents.map(() => 1)],
    ([n, c]) => finish(Array.from(indices(extents), (position) => at(x, [n!, c!, ...position]))),
  );
}

/** A convolution, in whatever layout. */
const convolve: Kernel<"Conv" | "BlockedConv"> = ({ inputs, attributes, outputShapes }) => {
  const [x, weight] = [given(inputs, 0), given(inputs, 1)];
  const y = zeros(outputShapes[0]!);
  visitConvolution(x.shape, y.shape, weight, attributes, attributes.group, (image, map, w) => {
    y.data[offset(y, map)]! += at(x, image) * w;
  });
  return [addBias(y, inputs[2] ?? null)];
};

const globalAverage: Kernel<"GlobalAveragePool" | "BlockedGlobalAveragePool"> = ({ inputs }) => [
  globalPool(
    given(inputs, 0),
    (elements) => elements.reduce((sum, element) => sum + element, 0) / elements.length,
  ),
];

/** Kernels of convolution, pooling and resampling. */
export const CONVOLUTION_KERNELS = {
  Conv: convolve,
  // What lies where is not seen from outside.
  BlockedConv: convolve,
  ReorderInput: ({ inputs, attributes, outputShapes }) => {
    const x = given(inputs, 0);
    if (!attributes.channelsLast) return [x];
    return [tensor(outputShapes[0]!, ([n, c, ...place]) => at(x, [n!, ...place, c!]))];
  },
  ReorderOutput: ({ inputs, attributes, outputShapes }) => {
    const x = given(inputs, 0);
    if (!attributes.channelsLast) return [x];
    return [
      tensor(
        outputShapes[0]!,
        ([n, ...place]) => at(x, [n!, place.at(-1)!, ...place.slice(0, -1)]),
      ),
    ];
  },
  ConvTranspose: ({ inputs, attributes, outputShapes }) => {
    const [x, weight] = [given(inputs, 0), given(inputs, 1)];
    const y = zeros(outputShapes[0]!);
    visitConvolution(y.shape, x.shape, weight, attributes, attributes.group, (image, map, w) => {
      y.data[offset(y, image)]! += at(x, map) * w;
    });
    return [addBias(y, inputs[2] ?? null)];
  },
  MaxPool: ({ inputs, attributes, outputShapes }) => {
    const x = given(inputs, 0);
    const shape = outputShapes[0]!;
    return [
      pool(x, shape, attributes, (positions) => at(x, largest(x, positions))),
      pool(x, shape, attributes, (positions) => offset(x, largest(x, positions))),
    ];
  },
  AveragePool: ({ inputs, attributes, outputShapes }) => {
    const x = given(inputs, 0);
    const extents = x.shape.slice(2);
    const { pads, countIncludePad } = attributes;
    return [pool(x, outputShapes[0]!, attributes, (positions, place) => {
      const sum = positions.reduce((sum, position) => sum + at(x, position), 0);
      const padded = [...taps(attributes, place)].filter(([, position]) =>
        position.every((p, i) => p >= -pads[i]! && p < extents[i]! + pads[i + extents.length]!)
      );
      return sum / (countIncludePad ? padded.length : positions.length);
    })];
  },
  GlobalAveragePool: globalAverage,
  BlockedGlobalAveragePool: globalAverage,
  GlobalMaxPool: ({ inputs }) => [
    globalPool(given(inputs, 0), (elements) => Math.max(...elements)),
  ],
  Resize: ({ inputs, attributes, outputShapes }) => {
    const target = outputShapes[0]!;
    return [target.reduce((x, extent, axis) => {
      const scale = inputs[2]?.data[axis] ?? null;
      if (extent === x.shape[axis] && (scale ?? 1) === 1) return x;
      const matrix = resizeMatrix(x.shape[axis]!, extent, scale, attributes);
      const shape = x.shape.map((old, i) => i === axis ? extent : old);
      return tensor(shape, (index) =>
        matrix[index[axis]!]!.reduce(
          (sum, weight, k) => sum + weight * at(x, withAxis(index, axis, k)),
          0,
        ));
    }, given(inputs, 0))];
  },
  DepthToSpace: ({ inputs, attributes: { blocksize: b, mode }, outputShapes }) => {
    const x = given(inputs, 0);
    const channels = outputShapes[0]![1]!;
    return [tensor(outputShapes[0]!, ([n, c, row, column]) => {
      const cell = (row! % b) * b + column! % b;
      const depth = mode === "DCR" ? cell * channels + c! : c! * b * b + cell;
      return at(x, [n!, depth, Math.floor(row! / b), Math.floor(column! / b)]);
    })];
  },
  SpaceToDepth: ({ inputs, attributes: { blocksize: b }, outputShapes }) => {
    const x = given(inputs, 0);
    const channels = x.shape[1]!;
    return [tensor(outputShapes[0]!, ([n, depth, row, column]) => {
      const cell = Math.floor(depth! / channels);
      const position = [row! * b + Math.floor(cell / b), column! * b + cell % b];
      return at(x, [n!, depth! % channels, ...position]);
    })];
  },
} satisfies Kernels;
