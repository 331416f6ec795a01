/* Random numbers as PyTorch's generator on the CPU draws them: MT19937 (Matsumoto and Nishimura 1998). */
const STATE_WORDS = 624, TWIST_OFFSET = 397;

class Random {
  /* Only the low 32 bits of a seed count, as in PyTorch. */
  constructor(seed) {
    this.state = new Uint32Array(STATE_WORDS);
    this.state[0] = seed;
    for (let word = 1; word < STATE_WORDS; word++) {
      const before = this.state[word - 1];
      this.state[word] = Math.imul(1812433253, before ^ (before >>> 30)) + word;
    }
    this.place = STATE_WORDS;
  }

  /* The next number of torch.rand: 24 random bits, at least 0 and below 1. */
  uniform() {
    if (this.place === STATE_WORDS) this.twist();
    let bits = this.state[this.place++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    bits ^= bits >>> 18;
    return (bits & 0xffffff) / 0x1000000;
  }

  twist() {
    const { state } = this;
    for (let word = 0; word < STATE_WORDS; word++) {
      const mixed = (state[word] & 0x80000000) | (state[(word + 1) % STATE_WORDS] & 0x7fffffff);
      state[word] = state[(word + TWIST_OFFSET) % STATE_WORDS] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}
