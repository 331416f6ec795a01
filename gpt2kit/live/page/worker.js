/* The Worker of a page: it has the model, and answers messages {turn, kind, question}. A later question of the same kind
   ends the one before. Answers go first: figures wait while there is a question of a lower rank.
   `Host` is in worker_text.js or worker_music.js. */
const OTHERS = 10, PAUSE_EVERY = 12;  // likeliest tokens of each step; milliseconds between two looks for messages
const RANKS = { look: 1, weigh: 2 };  // of other kinds 0
const newest = {}, underway = [0, 0, 0];  // questions of each rank that are being answered
let host = null;
globalThis.onmessage = async ({ data: { turn, kind, question } }) => {
  newest[kind] = turn;
  const rank = RANKS[kind] ?? 0, current = () => newest[kind] === turn, proceed = async () => {
    do await pause(); while (current() && underway.slice(0, rank).some(Boolean));
    return current();
  };
  const say = (found) => { if (current()) postMessage({ turn, ...found }); };
  underway[rank]++;
  try {
    if (kind === "open") {
      host = new Host(JSON.parse(question));
      say({ found: null });
    } else say({ found: await host[kind](question, say, proceed) });
  } catch (error) {
    say({ error: error.message });
  } finally {
    underway[rank]--;
  }
};

/* Let messages that have arrived be read: unlike a timer it is not delayed. */
const channel = new MessageChannel(), waiting = [];
channel.port1.onmessage = () => waiting.shift()();
const pause = () => new Promise((resume) => { waiting.push(resume); channel.port2.postMessage(null); });

/* Run a generator to its end and return its result; `each` receives the steps. `proceed` answers other questions in
   between, and tells whether this one is still current: if not, the result is null. */
async function drawing(steps, proceed, each = () => {}) {
  let paused = performance.now();
  while (true) {
    const { done, value } = steps.next();
    if (done) return value;
    each(value);
    if (performance.now() - paused > PAUSE_EVERY) {
      if (!await proceed()) return null;
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
