/* ---- packing: the tensors of a run, from base64 to Float32Array ----
   A tensor is packed as {shape, kind, data}: little-endian numbers in base64, row-major. Its kind is f32, f16 or int8;
   int8 has `scales` too, one f32 for each row (a row is what the last axis counts): value = int8 * scale. */

/* The value of each character of base64; padding counts as 0. */
const BASE64_VALUES = new Uint8Array(128);
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".split("").forEach((character, value) => {
  BASE64_VALUES[character.charCodeAt(0)] = value;
});

/* For engines without Uint8Array.fromBase64. */
function decodeBase64(text) {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array(text.length / 4 * 3), at = (place) => BASE64_VALUES[text.charCodeAt(place)];
  for (let place = 0, to = 0; place < text.length; place += 4, to += 3) {
    const group = at(place) << 18 | at(place + 1) << 12 | at(place + 2) << 6 | at(place + 3);
    bytes[to] = group >> 16;
    bytes[to + 1] = group >> 8;
    bytes[to + 2] = group;
  }
  return bytes.subarray(0, bytes.length - padding);
}

const bytesOf = (text) => Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : decodeBase64(text);

/* The bytes as numbers of another type, without a copy. */
const viewed = (bytes, type) => new type(bytes.buffer, bytes.byteOffset, bytes.byteLength / type.BYTES_PER_ELEMENT);

/* The value of a half-precision number from its 16 bits: sign, 5 bits of exponent, 10 of fraction. */
function halfValue(bits) {
  const exponent = bits >> 10 & 31, fraction = bits & 1023;
  let size = (1 + fraction / 1024) * 2 ** (exponent - 15);
  if (exponent === 0) size = fraction / 1024 * 2 ** -14;
  if (exponent === 31) size = fraction ? NaN : Infinity;
  return bits >> 15 ? -size : size;
}

let halfTable = null;
function fromHalf(halves) {
  halfTable ||= Float32Array.from({ length: 65536 }, (_, bits) => halfValue(bits));
  const values = new Float32Array(halves.length);
  for (let place = 0; place < halves.length; place++) values[place] = halfTable[halves[place]];
  return values;
}

function fromInt8(steps, scales, width) {
  const values = new Float32Array(steps.length);
  for (let row = 0, place = 0; row < scales.length; row++) {
    const scale = scales[row];
    for (const end = place + width; place < end; place++) values[place] = steps[place] * scale;
  }
  return values;
}

function unpackTensor({ shape, kind, data, scales }) {
  const bytes = bytesOf(data);
  if (kind === "f32") return { shape, values: viewed(bytes, Float32Array) };
  if (kind === "f16") return { shape, values: fromHalf(viewed(bytes, Uint16Array)) };
  if (kind === "int8") return { shape, values: fromInt8(viewed(bytes, Int8Array), viewed(bytesOf(scales), Float32Array), shape.at(-1)) };
  throw new Error(`a tensor of the unknown kind ${kind}`);
}
