/* Prompts of a classifier, as gpt2kit/tasks/formats/labelled.py and choice.py make them, and its answers. */
class LabelledPrompts extends Prompts {
  constructor(task, bpe) {
    super(task, bpe);
    [this.start, this.delimiter, this.extract] = task.marks.map((mark) => bpe.id(mark));
  }

  /* The texts of each row that the model reads. */
  orders(values) {
    return this.task.both_orders ? [values, values.toReversed()] : [values];
  }

  /* The answers that may be given, in the order of their numbers. */
  answers() {
    return this.task.labels;
  }

  /* At most about `most` ids of each text: `shorten` would make as long ones equally long. */
  encode(values, ending, most = Infinity) {
    return this.joined(this.orders(values).map((texts) => texts.map((text) => this.bpe.encode(text, most))));
  }

  /* The prompt of several rows, each given as the ids of its texts. */
  joined(rows) {
    return rows.flatMap((texts) => [
      this.start, ...texts.flatMap((text, place) => place ? [this.delimiter, ...text] : text), this.extract,
    ]);
  }

  /* Inverse of `joined`. */
  rows(ids) {
    const rows = [];
    for (const id of ids) {
      if (id === this.start) rows.push([[]]);
      else if (id === this.delimiter) rows.at(-1).push([]);
      else if (id !== this.extract) rows.at(-1).at(-1).push(id);
    }
    return rows;
  }

  /* The number of characters of each text that the model reads. */
  lengthsRead(ids) {
    const [texts] = this.rows(ids);
    return texts.map((text) => this.bpe.decode(text).length);
  }

  room(window) {
    return window - 1;
  }

  /* Of the longest row: each is read separately. */
  length(ids) {
    return Math.max(...this.rows(ids).map((texts) => lengthOf(texts) + texts.length + 1));
  }

  shorten(ids, room) {
    return this.joined(this.rows(ids).map((texts) => fitting(texts, room - texts.length - 1)));
  }

  isBlank(values) {
    return values.some(isBlank);
  }

  /* The probability of each answer: scores are summed over rows, or are those of one choice each. */
  probabilities(model, ids) {
    const scores = this.rows(ids).map((texts) => Float32Array.from(model.classify(this.joined([texts]))));
    const several = this.task.labels.length > 1;
    const sums = several ? scores.reduce((sum, row) => sum.map((score, label) => score + row[label])) : scores.map(([score]) => score);
    return chancesOf(Float32Array.from(sums));
  }
}

/* A context with its choices. */
class ChosenPrompts extends LabelledPrompts {
  orders([context, ...choices]) {
    return choices.map((choice) => [context, choice]);
  }

  answers([, ...choices]) {
    return choices;
  }

  lengthsRead(ids) {
    const length = (text) => this.bpe.decode(text).length, rows = this.rows(ids);
    return [Math.max(...rows.map(([context]) => length(context))), ...rows.map(([, choice]) => length(choice))];
  }

  isBlank(values) {
    return values.length < 3 || isBlank(values[0]);
  }
}

const lengthOf = (texts) => texts.reduce((sum, text) => sum + text.length, 0);

/* Cut the ends of texts, the longest first, to at most `room` ids in total; to nothing if there is no room. */
function fitting(texts, room) {
  const found = [...texts];
  let over;
  while ((over = lengthOf(found) - Math.max(0, room)) > 0) {
    const lengths = found.map((text) => text.length), longest = lengths.indexOf(Math.max(...lengths));
    const others = Math.max(0, ...lengths.toSpliced(longest, 1));
    const keep = Math.max(lengths[longest] - over, Math.min(others, lengths[longest] - 1));
    found[longest] = found[longest].slice(0, Math.max(0, keep));
  }
  return found;
}
