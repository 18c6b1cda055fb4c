/** Operators that work element by element, with NumPy's broadcasting. @module */
import type { DataType } from "../../array/mod.ts";
import {
  type AttributeSpecs,
  choice,
  flag,
  float,
  type Inference,
  operator,
  requiredType,
  type TensorType,
} from "../operator.ts";

/** One output like the first input. */
export function likeFirst(context: Inference<unknown>): TensorType[] {
  const { dtype, shape } = context.input(0);
  return [{ dtype, shape }];
}

const unary = <A extends AttributeSpecs = Record<never, never>>(attributes?: A) =>
  operator({ inputs: "X", ...(attributes && { attributes }), infer: likeFirst });

const FLOATING: ReadonlySet<DataType> = new Set(["float16", "float32", "float64"]);

/** A function of real numbers: integers are refused. */
const floatUnary = <A extends AttributeSpecs = Record<never, never>>(attributes?: A) =>
  operator({
    inputs: "X",
    ...(attributes && { attributes }),
    infer: (context) => {
      if (!FLOATING.has(context.input(0).dtype)) context.fail("X must be floating-point");
      return likeFirst(context);
    },
  });

const arithmetic = () =>
  operator({
    inputs: "A B",
    infer: (context) => [{
      dtype: context.sameType(0, 1),
      shape: context.broadcast(context.input(0), context.input(1)),
    }],
  });

const comparison = () =>
  operator({
    inputs: "A B",
    infer: (context) => {
      context.sameType(0, 1);
      return [{ dtype: "bool", shape: context.broadcast(context.input(0), context.input(1)) }];
    },
  });

const logical = () =>
  operator({
    inputs: "A B",
    infer: (context) => {
      if (context.sameType(0, 1) !== "bool") context.fail("inputs must be bool");
      return [{ dtype: "bool", shape: context.broadcast(context.input(0), context.input(1)) }];
    },
  });

const variadic = () =>
  operator({
    inputs: "inputs...",
    infer: (context) => [{
      dtype: context.sameType(...context.inputs.keys()),
      shape: context.broadcast(...context.present()),
    }],
  });

/** Rows of the elementwise operators. */
export const ELEMENTWISE = {
  Add: arithmetic(),
  Sub: arithmetic(),
  Mul: arithmetic(),
  Div: arithmetic(),
  Pow: operator({
    inputs: "X exponent",
    infer: (context) => [{
      dtype: context.input(0).dtype,
      shape: context.broadcast(context.input(0), context.input(1)),
    }],
  }),
  Min: variadic(),
  Max: variadic(),

  Neg: unary(),
  Abs: unary(),
  Sign: unary(),
  Sqrt: floatUnary(),
  Exp: floatUnary(),
  Log: floatUnary(),
  Erf: unary(),
  Reciprocal: floatUnary(),
  Sin: floatUnary(),
  Cos: floatUnary(),
  Floor: floatUnary(),
  Ceil: floatUnary(),
  Identity: unary(),

  Relu: unary(),
  LeakyRelu: floatUnary({ alpha: float(0.01) }),
  Elu: floatUnary({ alpha: float(1) }),
  Gelu: floatUnary({ approximate: choice("none", "tanh") }),
  Sigmoid: floatUnary(),
  Tanh: floatUnary(),
  Softplus: floatUnary(),
  HardSigmoid: floatUnary({ alpha: float(0.2), beta: float(0.5) }),
  Clip: operator({
    inputs: "X min? max?",
    infer: (context) => {
      context.sameType(0, 1, 2);
      context.expectShape(1, [], "(a scalar)");
      context.expectShape(2, [], "(a scalar)");
      return likeFirst(context);
    },
  }),

  Equal: comparison(),
  Greater: comparison(),
  Less: comparison(),
  GreaterOrEqual: comparison(),
  LessOrEqual: comparison(),
  And: logical(),
  Or: logical(),
  Not: operator({
    inputs: "X",
    infer: (context) => {
      if (context.input(0).dtype !== "bool") context.fail("X must be bool");
      return likeFirst(context);
    },
  }),
  IsNaN: operator({
    inputs: "X",
    infer: (context) => [{ dtype: "bool", shape: context.input(0).shape }],
  }),
  Where: operator({
    inputs: "condition X Y",
    infer: (context) => {
      if (context.input(0).dtype !== "bool") context.fail("condition must be bool");
      return [{
        dtype: context.sameType(1, 2),
        shape: context.broadcast(context.input(0), context.input(1), context.input(2)),
      }];
    },
  }),
  Cast: operator({
    inputs: "X",
    attributes: { to: requiredType(), saturate: flag(true) },
    infer: (context) => [{ dtype: context.attributes.to, shape: context.input(0).shape }],
  }),
};
