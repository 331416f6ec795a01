/* ---- neurons of the MLPs, from a Tracer, as in gpt2kit/inspection/neurons.py: those that fire at a position, and the
   tokens that each makes likelier or less likely ---- */
const STRONGEST_NEURONS = 5, PUSHED_TOKENS = 5;

/* The tokens whose logits grow and shrink the most with a neuron's activation, [[id], [id]]: its column of the MLP's
   second matrix through the gain of the last norm and the head. What the layers between add is left out. */
function pushedTokens({ blocks, norm, head }, layer, neuron) {
  const { rows: width, columns, weight } = blocks[layer].mlpOut, most = Math.min(PUSHED_TOKENS, head.rows);
  const column = Float64Array.from({ length: width }, (_, row) => weight[row * columns + neuron]), mean = sumOf(column) / width;
  const logits = new Float32Array(head.rows);
  head.apply(Float32Array.from(column, (value, place) => (value - mean) * norm.weight[place]), logits);
  return [largestPlaces(logits, 0, head.rows, most), largestPlaces(logits.map((logit) => -logit), 0, head.rows, most)];
}

/* The strongest neurons of each layer at the steps; the tokens that they push are computed when they are asked for. */
function neuronsView({ layers }, steps) {
  const rows = layers.flatMap(({ activation }) => steps.map((position) => activation[position])), inner = rows[0].length;
  const most = Math.min(STRONGEST_NEURONS, inner), strongest = rows.map((row) => largestPlaces(row, 0, inner, most)), shape = [layers.length, steps.length, most];
  return {
    numbers: heldIds(shape, strongest.flat(), inner),
    activations: held("f4", shape, Float32Array.from(strongest.flatMap((numbers, row) => numbers.map((number) => rows[row][number])))),
    pushed: {},
  };
}
