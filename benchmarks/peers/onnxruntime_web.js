/* onnxruntime-web in Node, WebAssembly with one thread: answers lines of JSON {prompts, most, stop} with the greedy
   answers, one prompt at a time with a cache. Arguments: the folder that has node_modules, and the ONNX file. */
"use strict";
const [, , folder, file] = process.argv;
const ort = require(require.resolve("onnxruntime-web", { paths: [folder] }));
ort.env.wasm.numThreads = 1;
const whole = (numbers, shape) => new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), shape);
const upTo = (many) => [...Array(many).keys()];

async function answer(session, cache, prompt, most, stop) {
  let ids = prompt, read = 0, past = Object.fromEntries(cache.map(({ name, shape }) => [name, new ort.Tensor("float32", [], [1, shape[1], 0, shape[3]])]));
  const made = [];
  while (made.length < most && made.at(-1) !== stop) {
    const size = [1, ids.length], mask = whole(Array(read + ids.length).fill(1), [1, read + ids.length]);
    const positions = whole(upTo(ids.length).map((place) => place + read), size);
    const found = await session.run({ input_ids: whole(ids, size), attention_mask: mask, position_ids: positions, ...past });
    const { data, dims } = found.logits, last = data.subarray(data.length - dims[2]);
    read += ids.length;
    made.push(last.reduce((best, value, id) => value > last[best] ? id : best, 0));
    ids = [made.at(-1)];
    past = Object.fromEntries(cache.map(({ name }) => [name, found[name.replace("past_key_values", "present")]]));
  }
  return made;
}

(async () => {
  const session = await ort.InferenceSession.create(require("fs").readFileSync(file), { executionProviders: ["wasm"] });
  const cache = session.inputMetadata.filter(({ name }) => name.startsWith("past_key_values"));
  process.stdout.write(`${JSON.stringify({ version: ort.env.versions.common })}\n`);
  for await (const line of require("readline").createInterface({ input: process.stdin, terminal: false })) {
    const { prompts, most, stop } = JSON.parse(line), answers = [];
    for (const prompt of prompts) answers.push(await answer(session, cache, prompt, most, stop));
    process.stdout.write(`${JSON.stringify(answers)}\n`);
  }
})();
