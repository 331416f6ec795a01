/* ---- linear: products with matrices, norms and activations ----
   Weights are [out, in], row-major Float32Arrays; vectors are Float32Arrays, several of them one after the other.
   Sums are doubles. The loops are written for V8: four rows of the weights share each load of the input, in steps of
   four columns, which is twice as fast as one row after the other. */

/* y = W x of one vector: the `rows` rows of W begin at `start` of `weight`, `stride` apart, and have `columns` numbers; x begins at `from`, y at `to`. */
function multiply(weight, start, stride, rows, columns, x, from, y, to) {
  const wholeRows = rows & ~3, wholeColumns = columns & ~3;
  for (let row = 0; row < wholeRows; row += 4) {
    const row0 = start + row * stride, row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride;
    let sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0, column = 0;
    for (; column < wholeColumns; column += 4) {
      const input = from + column, x0 = x[input], x1 = x[input + 1], x2 = x[input + 2], x3 = x[input + 3];
      const w0 = row0 + column, w1 = row1 + column, w2 = row2 + column, w3 = row3 + column;
      sum0 += (weight[w0] * x0 + weight[w0 + 1] * x1) + (weight[w0 + 2] * x2 + weight[w0 + 3] * x3);
      sum1 += (weight[w1] * x0 + weight[w1 + 1] * x1) + (weight[w1 + 2] * x2 + weight[w1 + 3] * x3);
      sum2 += (weight[w2] * x0 + weight[w2 + 1] * x1) + (weight[w2 + 2] * x2 + weight[w2 + 3] * x3);
      sum3 += (weight[w3] * x0 + weight[w3 + 1] * x1) + (weight[w3 + 2] * x2 + weight[w3 + 3] * x3);
    }
    for (; column < columns; column++) {
      const input = x[from + column];
      sum0 += weight[row0 + column] * input;
      sum1 += weight[row1 + column] * input;
      sum2 += weight[row2 + column] * input;
      sum3 += weight[row3 + column] * input;
    }
    y[to + row] = sum0;
    y[to + row + 1] = sum1;
    y[to + row + 2] = sum2;
    y[to + row + 3] = sum3;
  }
  for (let row = wholeRows; row < rows; row++) y[to + row] = dot(weight, start + row * stride, x, from, columns);
}

/* The same for four vectors at once, x [4, columns] to y [4, rows], with rows of W next to each other: two of them meet the four inputs, so that each weight is loaded once for four products. */
function multiplyFour(weight, rows, columns, x, from, y, to) {
  const from1 = from + columns, from2 = from1 + columns, from3 = from2 + columns, wholeRows = rows & ~1;
  const to1 = to + rows, to2 = to1 + rows, to3 = to2 + rows;
  for (let row = 0; row < wholeRows; row += 2) {
    const upper = row * columns, lower = upper + columns;
    let u0 = 0, u1 = 0, u2 = 0, u3 = 0, l0 = 0, l1 = 0, l2 = 0, l3 = 0;
    for (let column = 0; column < columns; column++) {
      const u = weight[upper + column], l = weight[lower + column];
      const x0 = x[from + column], x1 = x[from1 + column], x2 = x[from2 + column], x3 = x[from3 + column];
      u0 += u * x0; u1 += u * x1; u2 += u * x2; u3 += u * x3;
      l0 += l * x0; l1 += l * x1; l2 += l * x2; l3 += l * x3;
    }
    y[to + row] = u0; y[to1 + row] = u1; y[to2 + row] = u2; y[to3 + row] = u3;
    y[to + row + 1] = l0; y[to1 + row + 1] = l1; y[to2 + row + 1] = l2; y[to3 + row + 1] = l3;
  }
  if (wholeRows === rows) return;
  for (let each = 0; each < 4; each++) y[to + each * rows + wholeRows] = dot(weight, wholeRows * columns, x, from + each * columns, columns);
}

function dot(a, fromA, b, fromB, length) {
  let sum = 0;
  for (let place = 0; place < length; place++) sum += a[fromA + place] * b[fromB + place];
  return sum;
}

/* The sum of `count` rows of `values`, which begin at `start`, `stride` apart, each times its weight: `width` numbers from `to` of y on. */
function weightedSum(weights, from, count, values, start, stride, width, y, to) {
  let each = 0;
  y.fill(0, to, to + width);
  for (; each + 4 <= count; each += 4) {
    const row0 = start + each * stride, row1 = row0 + stride, row2 = row1 + stride, row3 = row2 + stride;
    const weight0 = weights[from + each], weight1 = weights[from + each + 1], weight2 = weights[from + each + 2], weight3 = weights[from + each + 3];
    for (let place = 0; place < width; place++) {
      y[to + place] += (weight0 * values[row0 + place] + weight1 * values[row1 + place]) + (weight2 * values[row2 + place] + weight3 * values[row3 + place]);
    }
  }
  for (; each < count; each++) {
    const row = start + each * stride, weight = weights[from + each];
    for (let place = 0; place < width; place++) y[to + place] += weight * values[row + place];
  }
}

/* A matrix, with a bias or without. The kernel of simd.js multiplies it if its memory is given and the width suits it. */
class Linear {
  constructor({ shape, values }, bias = null, memory = null) {
    [this.rows, this.columns] = shape;
    this.memory = this.columns % KERNEL_COLUMNS ? null : memory;
    this.weight = this.memory ? this.memory.place(values) : values;
    this.bias = bias && bias.values;
  }

  /* `count` vectors, x [count, columns] to y [count, rows]; x begins with vector `first`. */
  apply(x, y, count = 1, first = 0) {
    const { rows, columns, weight, bias, memory } = this;
    let each = 0;
    if (memory) memory.multiply(weight, rows, columns, x, first * columns, y, each = count);
    for (; each + 4 <= count; each += 4) multiplyFour(weight, rows, columns, x, (first + each) * columns, y, each * rows);
    for (; each < count; each++) multiply(weight, 0, columns, rows, columns, x, (first + each) * columns, y, each * rows);
    if (!bias) return;
    for (let to = 0; to < count * rows; to += rows) for (let row = 0; row < rows; row++) y[to + row] += bias[row];
  }
}

class LayerNorm {
  constructor(weight, bias, epsilon) {
    this.weight = weight.values;
    this.bias = bias.values;
    this.epsilon = epsilon;
  }

  /* `count` vectors of x to y; x begins with vector `first`. */
  apply(x, y, count = 1, first = 0) {
    const { weight, bias, epsilon } = this, width = weight.length;
    for (let each = 0; each < count; each++) {
      const from = (first + each) * width, to = each * width;
      let mean = 0, variance = 0;
      for (let place = 0; place < width; place++) mean += x[from + place];
      mean /= width;
      for (let place = 0; place < width; place++) variance += (x[from + place] - mean) ** 2;
      const scale = 1 / Math.sqrt(variance / width + epsilon);
      for (let place = 0; place < width; place++) y[to + place] = (x[from + place] - mean) * scale * weight[place] + bias[place];
    }
  }
}

/* `count` values from `from` on, in place: positive shares that sum to 1. */
function softmax(values, from, count) {
  let most = -Infinity, sum = 0;
  for (let place = from; place < from + count; place++) if (values[place] > most) most = values[place];
  for (let place = from; place < from + count; place++) sum += values[place] = Math.exp(values[place] - most);
  for (let place = from; place < from + count; place++) values[place] /= sum;
}

/* x/2 (1 + tanh u) with u = sqrt(2/pi) (x + 0.044715 x^3), written as x sigmoid(2u). */
function geluNew(x) {
  return x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
}

/* 1 - erf(x) for x >= 0, with a relative error below 1.2e-7 (Press et al., Numerical Recipes, section 6.2). */
const ERFC = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223];
function erfc(x) {
  const t = 1 / (1 + x / 2);
  let sum = 0;
  for (let power = 0; power < ERFC.length; power++) sum = sum * t + ERFC[power];
  return t * Math.exp(sum - x * x);
}

/* x times the probability that a normal variable is below x. */
function gelu(x) {
  const above = erfc(Math.abs(x) * Math.SQRT1_2) / 2;
  return x * (x < 0 ? above : 1 - above);
}

const relu = (x) => Math.max(0, x);

/* By their names in the model's configuration. */
const ACTIVATIONS = { gelu_new: geluNew, gelu, relu };
