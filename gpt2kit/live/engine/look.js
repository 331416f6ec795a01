/* ---- look: what the explorer's page asks for, computed here instead of by its server, as in gpt2kit/inspection/explorer.py ---- */
const OFFERED = 10;  // likeliest next tokens

/* Answers the questions of one page; `knows` is as for `viewOf`, and has `name` and tell(subject, id), the text of a next
   token. */
class Looker {
  constructor(model, knows) {
    Object.assign(this, { model, knows, tracer: new Tracer(model), whole: new Tracer(model) });
  }

  /* The page's view of a subject with some parts of the model off, and the likeliest next tokens: {view, sides}. */
  look(subject, off = NOTHING_OFF) {
    return { view: viewOf(this.tracer, subject, this.knows, off), sides: [this.side(subject, off)] };
  }

  /* {name, labels, next: [[id, text, probability]], plain}: `plain` has the probabilities of these tokens in the whole
     model, null if no part is off. A classifier has labels in place of tokens. */
  side(subject, off) {
    const { name, tell } = this.knows, labels = Object.entries(subject.labels);
    if (labels.length) return { name, labels: true, next: labels.map(([label, share]) => [-1, label, share]), plain: null };
    const chances = this.next(this.tracer, subject, off), ids = largestPlaces(chances, 0, chances.length, Math.min(OFFERED, chances.length));
    const isWhole = [off.heads, off.attentions, off.mlps].every((list) => !list.length), plain = isWhole ? null : this.next(this.whole, subject, NOTHING_OFF);
    return { name, labels: false, next: ids.map((id) => [id, tell(subject, id), chances[id]]), plain: plain && ids.map((id) => [id, plain[id]]) };
  }

  /* The probabilities [V] of the token after a subject's ids, among those that can follow. */
  next(tracer, subject, off) {
    tracer.read(subject.ids, off);
    return chancesOf(masked(lensLogits(this.model, [tracer.last.at(-1)]), this.knows.automatonAt(subject, subject.ids.length - 1)));
  }

  /* What neurons of a layer push, with the pieces of these tokens: {pushed, pieces}. */
  neurons(layer, numbers) {
    const pushed = Object.fromEntries(numbers.map((neuron) => [`${layer}.${neuron}`, pushedTokens(this.model, layer, neuron)]));
    return { pushed, pieces: piecesOf(Object.values(pushed).flat(2), this.knows.spell) };
  }
}
