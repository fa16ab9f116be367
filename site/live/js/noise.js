// White noise around mid-grey: the same picture for the same seed as stylelib.noise, that is, as torch.randn.

const CONTRAST = 0.1; // standard deviation, as in stylelib/initialization.py

/** Return a picture of noise. */
export function noise(width, height, seed) {
  const values = normal(3 * width * height, seed);
  return { planes: values.map((value) => Math.min(1, Math.max(0, 0.5 + CONTRAST * value))), width, height };
}

/** Normal numbers in the order of torch's generator on a processor; 16 or more of them. */
export function normal(count, seed) {
  const next = mersenneTwister(seed);
  const uniform = () => (next() & 0xffffff) / 2 ** 24;
  const values = Float32Array.from({ length: count }, uniform);
  for (let block = 0; block + 16 <= count; block += 16) boxMuller(values, block);
  if (count % 16 !== 0) {
    for (let i = count - 16; i < count; i++) values[i] = uniform(); // the last 16 are drawn anew
    boxMuller(values, count - 16);
  }
  return values;
}

/** Turn 16 uniform numbers into normal ones: Box and Muller's pairs are eight apart. */
function boxMuller(values, block) {
  for (let i = block; i < block + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i]));
    const angle = 2 * Math.PI * values[i + 8];
    values[i] = radius * Math.cos(angle);
    values[i + 8] = radius * Math.sin(angle);
  }
}

/** Matsumoto and Nishimura's MT19937: a function that returns the next 32 bits. */
function mersenneTwister(seed) {
  const state = new Uint32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = 624;
  return () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const bits = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let bits = state[at++];
    bits ^= bits >>> 11;
    bits ^= (bits << 7) & 0x9d2c5680;
    bits ^= (bits << 15) & 0xefc60000;
    return (bits ^ (bits >>> 18)) >>> 0;
  };
}
