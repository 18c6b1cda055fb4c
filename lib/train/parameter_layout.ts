/**
 * How the parameters of a network lie in flat vectors, on which optimizers work.
 *
 * Parameters lie in the order in which their gradients become known. Neighbours with the same learning
 * rate and weight decay are one segment, the unit of an update: small enough for the processor's
 * cache, large enough to be worth its operators.
 *
 * @module
 */
import { elementCount } from "../array/mod.ts";

/** What parameters of one group have in common. */
export interface ParameterGroup {
  /** Factor to the learning rate, such as 10 for a new head. */
  readonly learningRateScale: number;
  /** Weight decay. */
  readonly weightDecay: number;
}

/** A parameter and its group. */
export interface GroupedParameter {
  /** Name on disk. */
  readonly name: string;
  /** Extents. */
  readonly shape: readonly number[];
  /** Its group. */
  readonly group: ParameterGroup;
}

/** A parameter's place. */
export interface PlacedParameter {
  /** Name on disk. */
  readonly name: string;
  /** Extents. */
  readonly shape: readonly number[];
  /** First element in the flat vector. */
  readonly offset: number;
  /** Number of elements. */
  readonly length: number;
}

/** Parameters of one group that lie side by side. */
export interface Segment {
  /** What its parameters have in common. */
  readonly group: ParameterGroup;
  /** First element in the flat vector. */
  readonly offset: number;
  /** Number of elements, a multiple of {@linkcode ROW_ELEMENTS}; those after the last parameter are 0. */
  readonly length: number;
  /** Its parameters in order. */
  readonly parameters: readonly PlacedParameter[];
}

/** Places of all parameters. */
export interface ParameterLayout {
  /** Elements of the flat vector. */
  readonly length: number;
  /** Its parts in order. */
  readonly segments: readonly Segment[];
}

/**
 * Segments are filled up to whole rows of this many elements. A norm is summed row by row: one long sum in
 * single precision would lose four digits.
 */
export const ROW_ELEMENTS = 1024;

/**
 * Parameters of a segment at most, about as many as a block of a transformer has norms and biases: what their
 * gradients are computed from is kept until all of the segment are.
 */
const MAX_PARAMETERS = 16;
/** Elements after which a segment is full. */
const FULL_ELEMENTS = 2 ** 20;

/**
 * Lay out parameters in segments.
 *
 * @param parameters The parameters in the order in which their gradients become known.
 */
export function layoutParameters(parameters: readonly GroupedParameter[]): ParameterLayout {
  const full: GroupedParameter[][] = [];
  const open = new Map<string, GroupedParameter[]>();
  for (const parameter of parameters) {
    const { learningRateScale, weightDecay } = parameter.group;
    const key = `${learningRateScale} ${weightDecay}`;
    const members = [...open.get(key) ?? [], parameter];
    const elements = members.reduce((sum, { shape }) => sum + elementCount(shape), 0);
    if (members.length === MAX_PARAMETERS || elements >= FULL_ELEMENTS) {
      full.push(members);
      open.delete(key);
    } else {
      open.set(key, members);
    }
  }
  let offset = 0;
  const segments = [...full, ...open.values()].map((members): Segment => {
    const start = offset;
    const placed = members.map(({ name, shape }) => {
      const length = elementCount(shape);
      const place = { name, shape, offset, length };
      offset += length;
      return place;
    });
    offset = start + Math.ceil((offset - start) / ROW_ELEMENTS) * ROW_ELEMENTS;
    return { group: members[0]!.group, offset: start, length: offset - start, parameters: placed };
  });
  return { length: offset, segments };
}
