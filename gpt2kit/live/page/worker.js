/* The Worker of a page: it has the model, and answers messages {turn, kind, question}. A later question of the same kind
   ends the one before. `Host` is in worker_text.js or worker_music.js. */
const OTHERS = 10, PAUSE_EVERY = 12;  // likeliest tokens of each step; milliseconds between two looks for messages
const newest = {};
let host = null;
globalThis.onmessage = async ({ data: { turn, kind, question } }) => {
  newest[kind] = turn;
  const current = () => newest[kind] === turn, say = (found) => { if (current()) postMessage({ turn, ...found }); };
  try {
    if (kind === "open") {
      host = new Host(JSON.parse(question));
      say({ found: null });
    } else say({ found: await host[kind](question, say, current) });
  } catch (error) {
    say({ error: error.message });
  }
};

/* Let messages that have arrived be read: unlike a timer it is not delayed. */
const channel = new MessageChannel(), waiting = [];
channel.port1.onmessage = () => waiting.shift()();
const pause = () => new Promise((resume) => { waiting.push(resume); channel.port2.postMessage(null); });

/* Call `each` for every id of a generator while the question is current; returns the generator's result, or null. */
async function drawing(ids, current, each) {
  let paused = performance.now();
  while (true) {
    const { done, value } = ids.next();
    if (done) return value;
    each(value);
    if (performance.now() - paused > PAUSE_EVERY) {
      await pause();
      if (!current()) return null;
      paused = performance.now();
    }
  }
}

/* {pushed, pieces}: the tokens that neurons of a layer push up and down, by "layer.neuron", and their pieces. */
function neuronsPushing(model, { layer, numbers }, pieceOfId) {
  const found = numbers.map((number) => [`${layer}.${number}`, pushedTokens(model, layer, number)]);
  const ids = new Set(found.flatMap(([, lists]) => lists.flat()));
  return { pushed: Object.fromEntries(found), pieces: Object.fromEntries([...ids].map((id) => [id, pieceOfId(id)])) };
}
