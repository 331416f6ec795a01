/* ---- simd: products with a matrix in WebAssembly, four numbers at a time ----
   The kernel is a few hundred bytes that are assembled here. It is several times as fast as the loops of linear.js, which
   serve where there is no WebAssembly with 128-bit vectors, or where a page's content policy does not allow it.
   Its sums are in fp32, in an order that does not depend on the number of inputs. */

/* Columns that one turn of the innermost loop takes. Matrices of other widths are left to linear.js. */
const KERNEL_COLUMNS = 16;
const PAGE_BYTES = 65536;

/* The instructions that the kernel needs, with those operands that are always the same. */
const WASM = {
  loop: [0x03, 0x40], end: 0x0b, branchIf: [0x0d, 0], get: 0x20, set: 0x21, tee: 0x22,
  constant: 0x41, isLess: 0x49, plus: 0x6a, minus: 0x6b, shiftLeft: 0x74, addFloats: 0x92, storeFloat: [0x38, 2, 0],
  loadVector: [0xfd, 0x00, 2], zeroVector: [0xfd, 0x0c, ...Array(16).fill(0)], lane: [0xfd, 0x1f], addVectors: [0xfd, 0xe4, 1], multiplyVectors: [0xfd, 0xe6, 1],
  integer: 0x7f, vector: 0x7b,
};

/* A number, 7 bits to a byte; and bytes after their number. */
const wasmNumber = (number) => number < 128 ? [number] : [number & 127 | 128, ...wasmNumber(number >>> 7)];
const wasmSized = (bytes) => [...wasmNumber(bytes.length), ...bytes];

/* multiply(weights, inputs, outputs, rows, width, count): byte addresses of W [rows, columns], of x [count, columns] and
   of y [count, rows]; `width` is the bytes of a row. Each row of W meets all inputs while it is in the processor's cache. */
function kernelCode() {
  const [weights, inputs, outputs, rows, width, count, spacing, input, output, left, weight, end, ...sums] = Array(16).keys();
  const get = (local) => [WASM.get, local], copy = (from, to) => [...get(from), WASM.set, to];
  const constant = (number) => [WASM.constant, ...(number < 64 ? [number] : [number | 128, 0])]; // a second byte for the sign
  const increase = (local, amount) => [...get(local), ...amount, WASM.plus, WASM.set, local];
  const countDown = (local) => [...get(local), ...constant(1), WASM.minus, WASM.tee, local];
  const repeat = (body, whether) => [...WASM.loop, ...body.flat(), ...whether, ...WASM.branchIf, WASM.end];
  const load = (address, part) => [...get(address), ...WASM.loadVector, 16 * part];
  const accumulate = (sum, part) => [...get(sum), ...load(weight, part), ...load(input, part), ...WASM.multiplyVectors, ...WASM.addVectors, WASM.set, sum];
  const bothVectors = (one, other) => [...get(one), ...get(other), ...WASM.addVectors];
  const lane = (which) => [...get(sums[0]), ...WASM.lane, which];
  const bothLanes = (one) => [...lane(one), ...lane(one + 1), WASM.addFloats];

  const columns = repeat(
    [...sums.map(accumulate), increase(weight, constant(64)), increase(input, constant(64))],
    [...get(weight), ...get(end), WASM.isLess],
  );
  const eachInput = repeat(
    [
      ...sums.map((sum) => [...WASM.zeroVector, WASM.set, sum]),
      copy(weights, weight),
      columns,
      [...bothVectors(sums[0], sums[1]), ...bothVectors(sums[2], sums[3]), ...WASM.addVectors, WASM.set, sums[0]],
      [...get(output), ...bothLanes(0), ...bothLanes(2), WASM.addFloats, ...WASM.storeFloat],
      increase(output, get(spacing)),
    ],
    countDown(left),
  );
  const eachRow = repeat(
    [
      copy(weights, end), increase(end, get(width)), copy(inputs, input), copy(outputs, output), copy(count, left),
      eachInput,
      copy(end, weights), increase(outputs, constant(4)),
    ],
    countDown(rows),
  );
  const locals = [2, 6, WASM.integer, 4, WASM.vector];
  return [...locals, ...get(rows), ...constant(2), WASM.shiftLeft, WASM.set, spacing, ...eachRow, WASM.end];
}

/* The module: it imports a memory and exports the kernel. */
function kernelModule() {
  const section = (number, ...content) => [number, ...wasmSized(content)];
  const name = (text) => wasmSized([...text].map((letter) => letter.charCodeAt(0)));
  return new WebAssembly.Module(Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 6, ...Array(6).fill(WASM.integer), 0), // one type: six integers to nothing
    ...section(2, 1, ...name("engine"), ...name("memory"), 2, 0, 1), // the memory, of one page or more
    ...section(3, 1, 0), // one function, of that type
    ...section(7, 1, ...name("multiply"), 0, 0), // its name outside
    ...section(10, 1, ...wasmSized(kernelCode())),
  ]));
}

/* Matrices in the kernel's memory, next to room for the inputs and outputs of a product. */
class KernelMemory {
  /* Room for this many numbers; null where the kernel cannot run. */
  static open(matrices, input, output) {
    try {
      return new KernelMemory(matrices, input, output);
    } catch {
      return null;
    }
  }

  constructor(matrices, input, output) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(4 * (matrices + input + output) / PAGE_BYTES) });
    this.kernel = new WebAssembly.Instance(kernelModule(), { engine: { memory } }).exports.multiply;
    this.inputs = new Float32Array(memory.buffer, 0, input);
    this.outputs = new Float32Array(memory.buffer, 4 * input, output);
    this.free = 4 * (input + output);
  }

  /* A copy of a matrix in this memory. */
  place(values) {
    const placed = new Float32Array(this.inputs.buffer, this.free, values.length);
    placed.set(values);
    this.free += placed.byteLength;
    return placed;
  }

  /* `count` vectors of x from `from` on, to the beginning of y. */
  multiply(weight, rows, columns, x, from, y, count) {
    const { inputs, outputs } = this;
    inputs.set(x.subarray(from, from + count * columns));
    this.kernel(weight.byteOffset, inputs.byteOffset, outputs.byteOffset, rows, 4 * columns, count);
    y.set(outputs.subarray(0, count * rows));
  }
}
