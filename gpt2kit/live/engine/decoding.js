/* Decoding of one prompt to an answer, greedily or by sampling, as gpt2kit/decoding/decode.py does it for one row.
   `settings` are the fields of GenerateConfig. */
const EXTRA_TOKENS = 16;
const LONGEST_PASSAGE = 32, LEAST_REPETITIONS = 4, LEAST_REPEATED_TOKENS = 16;

/* The limits of an answer's length by their names: knobs, or "window". */
function limitsOf(promptTokens, window, settings) {
  const limits = settings.roll ? {} : { window: window - promptTokens };
  if (settings.max_ratio) limits.max_ratio = Math.trunc(settings.max_ratio * promptTokens) + EXTRA_TOKENS;
  limits.max_new_tokens = settings.max_new_tokens;
  return limits;
}

/* The most tokens an answer to such a prompt may have, the end token included; at least 1. */
function newTokenLimit(promptTokens, window, settings) {
  return Math.max(1, Math.min(...Object.values(limitsOf(promptTokens, window, settings))));
}

/* The name of the limit that an unfinished answer to such a prompt has reached; of equal ones the first. */
function limitedBy(promptTokens, window, settings) {
  const limits = Object.entries(limitsOf(promptTokens, window, settings));
  return limits.reduce((lowest, limit) => limit[1] < lowest[1] ? limit : lowest)[0];
}

/* The largest number of tokens in a prompt; a longer one is cut: the window has room for an answer, too. */
function roomForPrompt(window, settings) {
  return window - (settings.roll ? 1 : Math.min(settings.max_new_tokens, Math.floor(window / 2)));
}

/* Whether ids end with consecutive repetitions of one passage. */
function repeatsItself(ids) {
  const count = ids.length;
  for (let length = 1; length <= Math.min(LONGEST_PASSAGE, Math.floor(count / LEAST_REPETITIONS)); length++) {
    const span = Math.max(LEAST_REPETITIONS * length, LEAST_REPEATED_TOKENS);
    let place = 1;
    while (place <= span - length && ids[count - place] === ids[count - place - length]) place++;
    if (count >= span && place > span - length) return true;
  }
  return false;
}

const lastIds = (ids, room) => ids.slice(-room);

/* Chooses the ids of one answer. An automaton, as in gpt2kit/decoding/grammar.py, says which may come next:
   {over, weigh(bias), accept(id), groups}. */
class Chooser {
  constructor(prompt, settings, seed, automaton) {
    this.settings = settings;
    this.automaton = automaton;
    this.random = settings.temperature > 0 ? new Random(seed) : null;
    this.seen = new Set(settings.penalty_on === "all" ? prompt : []);
    this.bias = this.groups = null;
    this.accepted = 0;
  }

  get over() {
    return this.automaton !== null && this.automaton.over;
  }

  /* The next id, given the logits after the last one. */
  choose(after) {
    const { settings, automaton } = this, logits = Float32Array.from(after);
    if (settings.repetition_penalty !== 1) penalise(logits, this.seen, settings.repetition_penalty);
    for (const id of settings.ban_ids) logits[id] = -Infinity;
    if (automaton !== null) {
      this.weigh(logits.length);
      this.groups = automaton.groups ?? this.groups;
      if (this.groups !== null) withinGroups(logits, this.bias, this.groups);
      for (let id = 0; id < logits.length; id++) logits[id] += this.bias[id];
    }
    const id = settings.temperature > 0 ? draw(probabilities(logits, settings), this.random.uniform()) : likeliest(logits);
    this.seen.add(id);
    return id;
  }

  /* Take an id of the answer that is given: a seed then draws what follows as if it had drawn that id, too. */
  take(id) {
    if (this.random) this.random.uniform();
    this.seen.add(id);
    this.accept(id);
  }

  accept(id) {
    if (this.automaton !== null) this.automaton.accept(id);
    this.accepted++;
  }

  weigh(size) {
    this.bias ??= new Float32Array(size);
    this.automaton.weigh(this.bias);
    for (const id of this.settings.ban_ids) this.bias[id] = -Infinity;
    if (this.bias.every((added) => added === -Infinity)) {
      const ban = this.settings.ban_ids.length ? " that generate.ban_ids does not ban" : "";
      throw new Error(`the grammar allows no id${ban} after ${this.accepted} ids`);
    }
  }
}

/* Yield the ids of one answer without its end token; the prompt has at least one id, `stops` are the ids that end an
   answer. Returns {ids, finished, end, limit, circling}: whether the answer is complete, the stop that ended it (else null),
   or else which limit did, and whether it repeats itself. Options: `recent(ids, room)` are the ids to continue from when the window is full, `ended(ids)` says
   whether an answer is complete, `reader` is a Reader that has read an earlier text, whose `logits` an id was chosen from
   when it is yielded, `later` one for the texts that follow when the window is full, and `given` are ids that the answer
   begins with. */
function* generate(model, prompt, settings, stops, seed, automaton = null, options = {}) {
  const { recent = lastIds, ended = () => false, reader: first = new Reader(model), later = first, given = [] } = options;
  const window = model.config.n_positions, limit = newTokenLimit(prompt.length, window, settings);
  const chooser = new Chooser(prompt, settings, seed, automaton), made = [...given];
  for (const id of given) chooser.take(id);
  let stop = null, finished = chooser.over;
  while (!finished && made.length < limit) {
    const whole = [...prompt, ...made], isFirst = made.length === given.length && whole.length < window;
    const text = isFirst ? whole : recent(whole, Math.max(1, Math.floor(window / 2)));
    const end = Math.min(made.length + Math.max(1, window - text.length), limit);
    const reader = isFirst ? first : later;
    let logits = reader.read(text);
    while (true) {
      const id = chooser.choose(logits);
      if (stops.includes(id)) {
        stop = id;
        break;
      }
      made.push(id);
      chooser.accept(id);
      finished = chooser.over || ended(made);
      yield id;
      if (finished || made.length === end) break;
      logits = reader.step(id);
    }
    finished ||= stop !== null;
  }
  return { ids: made, finished, end: stop, limit: finished ? "" : limitedBy(prompt.length, window, settings), circling: repeatsItself(made) };
}

/* A whole answer: what `generate` returns. */
function answer(...given) {
  const ids = generate(...given);
  while (true) {
    const { done, value } = ids.next();
    if (done) return value;
  }
}
