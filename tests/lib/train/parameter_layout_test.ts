import assert from "node:assert/strict";
import fc from "fast-check";
import { elementCount, layoutParameters, ROW_ELEMENTS } from "swath";

const parameters = fc.array(
  fc.record({
    shape: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 }),
    learningRateScale: fc.constantFrom(1, 10),
    weightDecay: fc.constantFrom(0, 0.01),
  }),
  { minLength: 1, maxLength: 40 },
).map((list) => list.map(({ shape, ...group }, i) => ({ name: `p${i}`, shape, group })));

Deno.test("layoutParameters: every parameter has its own place, in a segment of its group", () => {
  fc.assert(fc.property(parameters, (list) => {
    const { length, segments } = layoutParameters(list);
    let end = 0;
    const placed = new Set<string>();
    for (const segment of segments) {
      assert.equal(segment.offset, end);
      assert.equal(segment.length % ROW_ELEMENTS, 0);
      let position = segment.offset;
      for (const { name, shape, offset, length } of segment.parameters) {
        const original = list.find((parameter) => parameter.name === name)!;
        assert.deepEqual(original.group, segment.group);
        assert.equal(offset, position);
        assert.equal(length, elementCount(shape));
        placed.add(name);
        position += length;
      }
      assert.ok(segment.length - (position - segment.offset) < ROW_ELEMENTS);
      assert.ok(segment.parameters.length <= 16);
      end += segment.length;
    }
    assert.equal(end, length);
    assert.equal(placed.size, list.length);
  }));
});

Deno.test("layoutParameters: small parameters of a group share a segment, large ones do not", () => {
  const group = { learningRateScale: 1, weightDecay: 0 };
  const lengths = (count: number, shape: number[]) => {
    const list = Array.from({ length: count }, (_, i) => ({ name: `p${i}`, shape, group }));
    return layoutParameters(list).segments.map(({ parameters }) => parameters.length);
  };
  assert.deepEqual(lengths(40, [64]), [16, 16, 8]);
  assert.deepEqual(lengths(3, [1024, 1024]), [1, 1, 1]);
});
