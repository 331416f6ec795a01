/* Runs the model of a page in Node: answers lines of JSON from standard input, {"ask": NAME, ...}, with lines of JSON.
   Numbers are fp32 in base64. The page's path is the first argument. */
"use strict";
const page = require("fs").readFileSync(process.argv[2], "utf8");
const part = (id) => JSON.parse(page.split(`<script type="application/json" id="${id}">`)[1].split("</script>")[0]);
const run = part("run"), { Model, Bpe, Reader, TextRun, likeliest } = new Function(`"use strict";\n${part("engine")}\nreturn { Model, Bpe, Reader, TextRun, likeliest };`)();
const model = new Model(run), bpe = run.tokenizer && new Bpe(run.tokenizer);
const packed = (rows) => Buffer.concat(rows.map((row) => Buffer.from(Float32Array.from(row).buffer))).toString("base64");

const asked = {
  facts: () => ({ window: run.config.n_positions, end: run.task.eos, labels: run.config.labels }),
  tokens: () => run.tokenizer && run.tokenizer.tokens,
  /* The logits after each token, or those of the labels after the last one. */
  logits({ ids }) {
    if (run.config.labels.length) return packed([model.classify(ids)]);
    const cache = model.newCache();
    return packed(ids.map((id) => model.step(cache, id).slice()));
  },
  greedy({ prompts, most, stop }) {
    const reader = new Reader(model);
    return prompts.map((prompt) => {
      const made = [];
      for (let logits = reader.read(prompt); ; logits = reader.step(made.at(-1))) {
        made.push(likeliest(logits));
        if (made.at(-1) === stop || made.length === most) return made;
      }
    });
  },
  /* The texts that the page answers to inputs, each a list of texts, with settings other than the run's. */
  answers({ inputs, settings }) {
    const text = new TextRun(run), reader = new Reader(text.model);
    return inputs.map((values) => {
      const ids = text.answer(values, { settings: { ...text.settings, ...settings }, reader });
      for (let step = ids.next(); ; step = ids.next()) if (step.done) return step.value.text;
    });
  },
  /* Control tokens are found in the text, which the page itself never does. */
  encode({ texts }) {
    const names = run.tokenizer.special.map((id) => run.tokenizer.tokens[id]).sort((a, b) => b.length - a.length), escaped = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const split = new RegExp(`(${escaped.join("|")})`);
    return texts.map((text) => (names.length ? text.split(split) : [text]).flatMap((piece) => names.includes(piece) ? [bpe.id(piece)] : bpe.encode(piece)));
  },
};
require("readline").createInterface({ input: process.stdin, terminal: false }).on("line", (line) => {
  const { ask, ...question } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(asked[ask](question))}\n`);
});
