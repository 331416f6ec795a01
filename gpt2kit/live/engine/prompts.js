/* Prompts of texts and the texts of answers, as the tasks in gpt2kit/tasks make them. `task` is that of the run, whose
   fields gpt2kit/tasks/asking.py describes. An input is a list of texts, `values`. */

/* White space as Python has it. */
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const NOT_SPACE = new RegExp(`[^${SPACE}]`);
const isBlank = (text) => !NOT_SPACE.test(text);

const WORD = "\\p{L}\\p{N}_";
const ADDRESSES_AND_TAGS = new RegExp(
  `(?:https?://|www\\.)[^${SPACE}]+|(?<![${WORD}.+\\-])[${WORD}.+\\-]+@[${WORD}\\-]+(?:\\.[${WORD}\\-]+)+|</?[A-Za-z][^<>]*>`, "gu",
);

class Prompts {
  constructor(task, bpe) {
    this.task = task;
    this.bpe = bpe;
  }

  /* The prompt, cut so that an answer fits after it, and whether it was cut. `ending` is one of the task's endings, such
     as a language. */
  prompt(values, settings, window, ending = this.task.ending) {
    const ids = this.encode(values, ending, window), room = this.room(window, settings), cut = this.length(ids) > room;
    return { ids: cut ? this.shorten(ids, room) : ids, cut };
  }

  room(window, settings) {
    return roomForPrompt(window, settings);
  }

  /* Positions of a prompt. */
  length(ids) {
    return ids.length;
  }

  /* The answer if the model is not needed for it; otherwise null. */
  answerWithoutModel(values) {
    return this.isBlank(values) ? "" : null;
  }

  /* The text of an answer's ids. */
  decode(ids) {
    return this.bpe.decode(ids);
  }

  /* The text of an answer, which ends before a stop text, and with a whole character. */
  answer(ids, stops = null) {
    const text = wholeText(this.decode(ids), ids, this.bpe);
    return stops === null ? text : stops.cut(text);
  }
}

/* A text that is continued. */
class ContinuedPrompts extends Prompts {
  encode([text]) {
    return text ? this.bpe.encode(text) : [this.task.eos];
  }

  shorten(ids, room) {
    return ids.slice(-room);
  }

  isBlank() {
    return false;
  }
}

/* Texts with an answer: the texts, then a control token or the end of a template. */
class AnsweredPrompts extends Prompts {
  encode(values, ending = this.task.ending) {
    const { template, endings } = this.task, ids = this.bpe.encode(template ? this.filled(values) : this.lines(values));
    if (!Object.keys(endings).length) return ids;
    if (!Object.hasOwn(endings, ending)) throw new Error(`this model was not trained for ${ending}, only for ${Object.keys(endings).join(", ")}`);
    return [...ids, this.bpe.id(endings[ending])];
  }

  lines(values) {
    return values.filter((value) => !isBlank(value)).join("\n");
  }

  filled(values) {
    return this.task.template.map((part) => typeof part === "number" ? values[part] : part).join("");
  }

  /* The end of the text is cut, or as the task says; the tail stays. */
  shorten(ids, room) {
    if (ids.length <= room) return ids;
    const tail = Math.max(1, Math.min(this.bpe.encode(this.task.tail).length, room - 1));
    const text = this.cutText(ids.slice(0, -tail), Math.max(0, room - tail));
    return [...text, ...ids.slice(-tail)].slice(-room);
  }

  cutText(ids, room) {
    if (this.task.cut === "head-tail") {
      const first = Math.floor(room / 2);
      return [...ids.slice(0, first), ...ids.slice(ids.length - (room - first))];
    }
    if (this.task.cut === "tfidf") return this.bpe.encode(paragraphsByTitle(this.bpe.decode(ids))).slice(0, room);
    return ids.slice(0, room);
  }

  isBlank(values) {
    const { inputs, optional } = this.task;
    return values.every((value, place) => optional.includes(inputs[place]) || isBlank(value));
  }

  answerWithoutModel(values) {
    if (this.isBlank(values)) return "";
    const copied = this.task.copies_without_letters && !/\p{L}/u.test(values[0].replace(ADDRESSES_AND_TAGS, ""));
    return copied ? values[0] : null;
  }

  decode(ids) {
    const text = this.bpe.decode(ids), { space } = this.task;
    return text.startsWith(space) ? text.slice(space.length) : text;
  }
}

/* A conversation: the system prompt, which may be empty, then the turns of user and assistant. */
class TurnPrompts extends Prompts {
  encode([system, ...turns]) {
    const [systemMark, userMark, assistantMark] = this.task.marks.map((mark) => this.bpe.id(mark));
    const ids = system ? [systemMark, ...this.bpe.encode(system)] : [];
    const spoken = turns.flatMap((text, place) => [place % 2 ? assistantMark : userMark, ...this.bpe.encode(text)]);
    return [...ids, ...spoken, assistantMark];
  }

  /* The first turns are lost; of a single turn that is too long, its beginning. */
  shorten(ids, room) {
    if (ids.length <= room) return ids;
    const user = this.bpe.id(this.task.marks[1]);
    const begin = ids.findIndex((id, place) => id === user && ids.length - place <= room);
    return begin >= 0 ? ids.slice(begin) : [user, ...ids.slice(ids.length - room + 1)].slice(-room);
  }

  isBlank(values) {
    return isBlank(values.at(-1));
  }
}

/* The prompts of a run. */
function promptsOf(task, bpe) {
  const forms = {
    continued: ContinuedPrompts, answered: AnsweredPrompts, turns: TurnPrompts, labelled: LabelledPrompts, chosen: ChosenPrompts,
  };
  return new forms[task.form](task, bpe);
}
