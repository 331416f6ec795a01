/* The time between the last event of a prompt and the beginning of its continuation, as in
   gpt2kit/music/playing/wait.py, and answers without a grammar that end by the clock. */

/* Allow only shifts by the steps that are left, or more. */
function keepWaiting(bias, left) {
  const least = TIME_SHIFT - 1 + Math.min(left, LONGEST_SHIFT);
  bias.fill(IMPOSSIBLE, 0, least);
  bias.fill(IMPOSSIBLE, VELOCITY);
  if (!isPossible(bias)) bias[least] = 0;  // the grammar wants a note, as after a long rest
}

const isPossible = (bias) => bias.some((each) => each > IMPOSSIBLE);

/* An automaton of an answer in which nothing happens for `left` steps: the first shift of the model goes there or
   beyond. */
class AfterWait {
  constructor(grammar, left) {
    this.grammar = grammar;
    this.left = left;
  }

  get over() {
    return this.left <= 0 && this.grammar.over;
  }

  get groups() {
    return this.grammar.groups;
  }

  weigh(bias) {
    this.grammar.weigh(bias);
    if (this.left > 0) keepWaiting(bias, this.left);
  }

  accept(id) {
    this.grammar.accept(id);
    this.left -= stepsOf(id);
  }
}

/* No grammar: any event may follow any other until `left` steps are over, or time does not advance for many events. */
const PATIENCE = 100;

class Timed {
  constructor(left) {
    this.left = left;
    this.waited = 0;
    this.groups = null;
  }

  get over() {
    return this.left <= 0 || this.waited >= PATIENCE;
  }

  weigh(bias) {
    bias.fill(0, 0, BEGIN);
    bias.fill(IMPOSSIBLE, BEGIN);
  }

  accept(id) {
    this.waited = isShift(id) ? 0 : this.waited + 1;
    this.left -= stepsOf(id);
  }
}
