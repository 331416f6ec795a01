/* What `generate` and `infill` put before a model, as in gpt2kit/pipeline/play.py and fill.py: the prompt, the settings
   and the automaton of an answer; and the whole performance with the answer's notes. Times are in seconds.

   What a model is to play is {whole, prompt, settings, automaton, options}, for `generate` of decoding.js: `whole` is the
   prompt before it is cut to the window of the model. `generate` are the settings of the run, and `wish` is that of
   Steering, or null. */
const EVENTS_A_SECOND = 400;  // more than the grammar allows if two seconds are added
const RELEASE_SECONDS = LONGEST_HELD / STEPS_A_SECOND + 1;  // how long new notes may sound after the end of a gap

/* The first `seconds` of a performance, or all of it, as {notes, until}: the notes that the model hears, and when the
   continuation begins, a multiple of 10 ms. All of it ends when the last key is struck or let go. */
function primerOf(notes, seconds = Infinity) {
  const heard = asInFile(notes);
  const last = heard.reduce((latest, { start, end }) => Math.max(latest, end < Infinity ? end : start), 0);
  const end = (Math.floor(last * STEPS_A_SECOND + 1e-9) + 1) / STEPS_A_SECOND;
  const until = Math.min(end, quantised(seconds) / STEPS_A_SECOND);
  return { notes: heard.filter(({ start }) => start < until), until };
}

/* A continuation of a primer by `seconds`, or a new piece if it is null. */
function continuationToPlay(primer, seconds, generate, window, wish = null) {
  const whole = [BEGIN, ...(primer ? withoutWait(encodeUntil(primer.notes, primer.until)) : [])];
  const wait = primer ? Math.round((primer.until - streamSeconds(whole)) * STEPS_A_SECOND) : 0;
  const end = wait + Math.max(1, Math.ceil(seconds * STEPS_A_SECOND - 1e-6));
  const grammar = new AfterWait(generate.grammar ? new EventGrammar(whole, end) : new Timed(end), wait);
  const automaton = wish ? new Steered(grammar, new Steering(wish, whole, wait)) : grammar;
  return toPlay(whole, automaton, Math.floor((seconds + 2) * EVENTS_A_SECOND), generate, window);
}

/* New notes for a gap; `around` is as `aroundGap` makes it. */
function fillingToPlay(around, generate, window, wish = null) {
  const whole = promptBefore(around), grammar = gapGrammar(whole, around);
  const automaton = wish ? new Steered(grammar, new Steering(wish, whole, grammar.wait), () => grammar.due) : grammar;
  const seconds = around.resume - around.until + RELEASE_SECONDS + 2;
  return toPlay(whole, automaton, Math.floor(seconds * EVENTS_A_SECOND) + 5 * around.notes.length, generate, window);
}

/* An answer may be longer than the window: the model then continues from the recent half of it. */
function toPlay(whole, automaton, longest, generate, window) {
  const settings = { ...generate, max_new_tokens: longest, roll: true };
  return { whole, prompt: recentEvents(whole, window - 1), settings, automaton, options: { recent: recentEvents } };
}

/* The performance after a continuation: the primer's notes, of which those that sounded at its end are let go when the
   model did so, and the new ones. */
function withContinuation(primer, whole, ids) {
  const { notes, releases } = continuedNotes(whole, ids, primer.until);
  const given = primer.notes.map((note) => {
    const release = note.end >= primer.until ? releases.get(note.pitch) : undefined;
    return release === undefined ? note : { ...note, end: Math.max(release, primer.until) };
  });
  return inOrder([...given, ...notes]);
}

/* The performance after a gap is filled. */
const withFilling = (around, whole, ids) => inOrder([...around.notes, ...apart(newNotes(whole, ids, around), around.notes)]);
