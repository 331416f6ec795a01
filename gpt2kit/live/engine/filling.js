/* A gap in a performance: what a model is given of the notes around it, and the notes of its answer, as in
   gpt2kit/music/playing/filling.py, gpt2kit/music/windows/arrangement.py and gpt2kit/music/editing/given_file.py.

   `around` is {notes, until, resume}: the notes struck before the gap begins, at `until`, and those from `resume` on. */

/* A performance, at the times that a file has for it, without the notes struck from `begin` to before `end` (seconds). */
function aroundGap(notes, begin, end) {
  const until = quantised(begin) / STEPS_A_SECOND, resume = quantised(end) / STEPS_A_SECOND;
  return { notes: asInFile(notes).filter(({ start }) => start < until || start >= resume), until, resume };
}

/* BEGIN and the events before a gap, without the wait for its beginning, with what is announced up to there. */
function promptBefore(around) {
  const total = quantised(around.until), ids = encodeUntil(around.notes, around.until), clock = clockBefore(ids);
  const begun = ids.filter((_, place) => clock[place] < total);
  return [BEGIN, ...withAnnouncements(withoutWait(begun), announcementsOf(around))];
}

/* New notes are struck within the gap; the answer ends when all of them are let go. */
function gapGrammar(prompt, around) {
  const now = streamSteps(prompt), said = prompt.filter((id) => id >= AHEAD).length;
  const given = givenAfter(around, prompt).map(([step, ids]) => [step - now, ids]);
  const announced = announcementsOf(around).slice(said).map(([step, ids]) => [step - now, ids]);
  const struck = around.notes.map(({ start, pitch }) => [quantised(start) - now, pitch]).filter(([step]) => step <= 0);
  const [begin, end] = [around.until, around.resume].map((at) => quantised(at) - now);
  return new GivenGrammar(new EventGrammar(prompt), given, announced, begin, end, struck);
}

/* The notes of an answer that were not given. A key is struck once in a step, so that a note is known by both. */
function newNotes(prompt, ids, around) {
  const place = ({ pitch, start }) => `${pitch} ${quantised(start)}`, known = new Set(around.notes.map(place));
  return continuedNotes(prompt, ids, 0).notes.filter((note) => !known.has(place(note)));
}

/* New notes that do not sound together with a given note of their key: the model hears given notes at multiples of 10 ms,
   and they begin and end up to 5 ms earlier or later. */
function apart(added, given) {
  const found = [];
  for (const note of added) {
    let { start, end } = note;
    const same = given.filter(({ pitch }) => pitch === note.pitch);
    for (const other of same) if (other.start <= note.start) start = Math.max(start, other.end);
    for (const other of same) if (other.start > start) end = Math.min(end, other.start);
    if (end > start) found.push({ ...note, start, end });
  }
  return found;
}

/* [step, ids] of what announces the notes that are struck within a second after a gap, in their order. */
function announcementsOf({ notes, resume }) {
  const end = quantised(resume);
  const soon = notes.filter(({ start }) => quantised(start) >= end && quantised(start) < end + LEAD);
  return soon.map(({ start, pitch }) => [quantised(start) - LEAD, [aheadOf(pitch)]]);
}

/* The step of each event; the time of a TIME_SHIFT passes after it. */
function clockBefore(ids) {
  let now = 0;
  return ids.map((id) => (now += stepsOf(id)) - stepsOf(id));
}

/* Events with announcements inserted: each at the beginning or after a TIME_SHIFT, once it is due. */
function withAnnouncements(ids, announcements) {
  const clock = clockBefore(ids), found = [], left = [...announcements];
  ids.forEach((id, place) => {
    const isMoment = place === 0 || isShift(ids[place - 1]);
    while (isMoment && left.length && left[0][0] <= clock[place]) found.push(...left.shift()[1]);
    found.push(id);
  });
  return found;
}

/* [step, ids] of the given events that the prompt does not contain: none before the end of the prompt. */
function givenAfter(around, prompt) {
  const passed = new Map(), earliest = streamSteps(prompt), found = [];
  for (const id of prompt) if (id < TIME_SHIFT) passed.set(id, (passed.get(id) || 0) + 1);
  for (const { id, step, bin } of noteEvents(encodeNotes(around.notes))) {
    if (passed.get(id)) passed.set(id, passed.get(id) - 1);
    else found.push([Math.max(earliest, step), id >= NOTE_OFF ? [id] : [VELOCITY - 1 + bin, id]]);
  }
  return found;
}
