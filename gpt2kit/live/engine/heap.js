/* A binary heap of numbers, the smallest one first. */
class Heap {
  /* Keeps `values`, and changes them. */
  constructor(values = []) {
    this.values = values;
    for (let place = (values.length >> 1) - 1; place >= 0; place--) this.sink(place, values[place]);
  }

  get size() {
    return this.values.length;
  }

  push(value) {
    const { values } = this;
    let place = values.length;
    values.push(value);
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (values[above] <= value) break;
      values[place] = values[above];
      place = above;
    }
    values[place] = value;
  }

  pop() {
    const smallest = this.values[0], value = this.values.pop();
    if (this.values.length) this.sink(0, value);
    return smallest;
  }

  /* Put a value at a place, or further down. */
  sink(place, value) {
    const { values } = this;
    while (true) {
      let below = 2 * place + 1;
      if (below + 1 < values.length && values[below + 1] < values[below]) below++;
      if (below >= values.length || values[below] >= value) break;
      values[place] = values[below];
      place = below;
    }
    values[place] = value;
  }
}
