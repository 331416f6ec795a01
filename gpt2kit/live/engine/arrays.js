/* ---- arrays of the inspection page: {kind, shape, values}, which it reads as it reads packed ones ----
   Kinds are those of gpt2kit/inspection/packing.py: u1, u2, u4 and f4. */
const PICTURE = 256;  // most rows and columns of a picture

const held = (kind, shape, values) => ({ kind, shape, values });

/* Arrays of equal length as rows of one. */
function heldRows(rows, shape = [rows.length, rows[0].length]) {
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1)), width = rows.length ? values.length / rows.length : 0;
  rows.forEach((row, place) => values.set(row, place * width));
  return held("f4", shape, values);
}

/* Numbers from -1 to `most`; all bits set means -1. */
function heldIds(shape, values, most) {
  const small = most < 0xffff, type = small ? Uint16Array : Uint32Array, none = small ? 0xffff : 0xffffffff;
  return held(small ? "u2" : "u4", shape, type.from(values, (value) => value < 0 ? none : value));
}

/* One byte each, from the smallest to the largest value: for colors only. */
function heldPicture({ shape, values }) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  return { ...held("u1", shape, Uint8Array.from(values, (value) => Math.round((value - low) * (255 / (high - low || 1))))), low, high };
}

/* The position vectors, thinned to a picture: one row and one column in `every`. */
function positionsPicture({ positions: { shape: [rows, columns], values } }) {
  const every = [rows, columns].map((size) => Math.ceil(size / PICTURE)), shape = [Math.ceil(rows / every[0]), Math.ceil(columns / every[1])];
  const thinned = Float32Array.from({ length: shape[0] * shape[1] }, (_, place) => values[Math.floor(place / shape[1]) * every[0] * columns + place % shape[1] * every[1]]);
  return { ...heldPicture({ shape, values: thinned }), every };
}
