// Pictures at other sizes, with the filters that stylelib uses: Lanczos as in Pillow, bicubic as in PyTorch.
//
// A picture is {planes, width, height}: planes is a Float32Array of the red, the green and the blue plane, 0 to 1.

const lanczos = {
  support: 3,
  weight: (x) => (x === 0 ? 1 : (3 * Math.sin(Math.PI * x) * Math.sin((Math.PI * x) / 3)) / (Math.PI * x) ** 2),
};
const cubic = (a) => ({
  support: 2,
  weight: (x) => (x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a),
});
const [sharp, smooth] = [cubic(-0.75), cubic(-0.5)];

/** The picture as stylelib's load_image gives it: the longer side at most `size` pixels, rounded to 8 bits. */
export function fit(picture, size) {
  const longer = Math.max(picture.width, picture.height);
  if (size >= longer) return picture;
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, roundHalfEven((side * size) / longer)));
  const less = reduce(picture, Math.trunc(picture.width / width / 3) || 1, Math.trunc(picture.height / height / 3) || 1);
  return rounded(resize(less, width, height, lanczos, true));
}

/** The picture with its sides multiplied by a factor up to 1. */
export function shrink(picture, factor) {
  if (factor === 1) return picture;
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, roundHalfEven(side * factor)));
  return clamped(resize(picture, width, height, smooth, true));
}

/** The picture scaled to cover a size, and its middle cut out. */
export function cover(picture, width, height) {
  if (picture.width === width && picture.height === height) return picture;
  const scale = Math.max(height / picture.height, width / picture.width);
  const across = Math.max(width, roundHalfEven(picture.width * scale));
  const down = Math.max(height, roundHalfEven(picture.height * scale));
  const large = clamped(resize(picture, across, down, smooth, true));
  return cut(large, (across - width) >> 1, (down - height) >> 1, width, height);
}

/**
 * The picture that a finer size starts from, so that it continues where a coarser one ended: what the coarser one has
 * changed is enlarged and added to the finer start, which keeps its detail. From noise, the coarser picture is enlarged.
 */
export function continueFrom(made, coarseStart, start, init) {
  const noise = init === "noise";
  const planes = noise ? made.planes : made.planes.map((value, i) => value - coarseStart.planes[i]);
  const large = resize({ ...made, planes }, start.width, start.height, sharp, false);
  if (!noise) large.planes.forEach((value, i) => (large.planes[i] = value + start.planes[i]));
  return clamped(large);
}

/** The picture with its values cut off at 0 and 1. */
export function clamped({ planes, width, height }) {
  return { planes: planes.map(clamp), width, height };
}

/** The means of blocks of pixels; a large picture is reduced so before it is filtered, as Pillow does. */
function reduce({ planes, width, height }, columns, rows) {
  if (columns === 1 && rows === 1) return { planes, width, height };
  const [across, down] = [Math.ceil(width / columns), Math.ceil(height / rows)];
  const made = new Float32Array(3 * across * down);
  for (let line = 0; line < 3 * height; line++) {
    const y = line % height;
    const to = (Math.floor(line / height) * down + Math.floor(y / rows)) * across;
    const high = Math.min(rows, height - y + (y % rows));
    for (let x = 0; x < width; x++) {
      const wide = Math.min(columns, width - x + (x % columns));
      made[to + Math.floor(x / columns)] += planes[line * width + x] / (wide * high);
    }
  }
  const exact = { width: width / columns, height: height / rows }; // the last block may be smaller than the others
  return { ...rounded({ planes: made, width: across, height: down }), exact };
}

function resize({ planes, width, height, exact = { width, height } }, across, down, kernel, antialias) {
  const columns = taps(width, across, kernel, antialias, exact.width / across);
  const rows = taps(height, down, kernel, antialias, exact.height / down);
  const narrow = new Float32Array(3 * height * across);
  for (let line = 0; line < 3 * height; line++)
    for (let x = 0; x < across; x++) {
      const { first, weights } = columns[x];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * planes[line * width + first + i];
      narrow[line * across + x] = kernel === lanczos ? byte(sum) : sum; // Pillow rounds to 8 bits on the way
    }
  const made = new Float32Array(3 * down * across);
  for (let plane = 0; plane < 3; plane++)
    for (let y = 0; y < down; y++) {
      const { first, weights } = rows[y];
      const to = (plane * down + y) * across;
      for (let i = 0; i < weights.length; i++) {
        const from = (plane * height + first + i) * across;
        for (let x = 0; x < across; x++) made[to + x] += weights[i] * narrow[from + x];
      }
    }
  return { planes: made, width: across, height: down };
}

/**
 * For each new position the first old one and the weights of those that it is made from. With antialiasing the filter
 * widens as the picture shrinks, and at the border its weights are made to add up to 1; without, the border repeats.
 */
function taps(from, to, kernel, antialias, step) {
  const widening = antialias ? Math.max(1, step) : 1;
  const reach = kernel.support * widening;
  return Array.from({ length: to }, (_, position) => {
    const centre = (position + 0.5) * step;
    const begin = antialias ? Math.trunc(centre - reach + 0.5) : Math.floor(centre - 0.5) - 1;
    const end = antialias ? Math.trunc(centre + reach + 0.5) : begin + 4;
    const first = Math.max(0, begin);
    const weights = new Array(Math.min(from, end) - first).fill(0);
    for (let i = begin; i < end; i++) {
      if (antialias && (i < 0 || i >= from)) continue;
      const distance = Math.abs(i + 0.5 - centre) / widening;
      const at = Math.min(from - 1, Math.max(0, i)) - first;
      if (distance < kernel.support) weights[at] += kernel.weight(distance);
    }
    const sum = antialias ? weights.reduce((one, other) => one + other, 0) : 1;
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

function rounded({ planes, width, height }) {
  return { planes: planes.map(byte), width, height };
}

function cut({ planes, width, height }, left, top, across, down) {
  const made = new Float32Array(3 * across * down);
  for (let line = 0; line < 3 * down; line++) {
    const from = (Math.floor(line / down) * height + top + (line % down)) * width + left;
    made.set(planes.subarray(from, from + across), line * across);
  }
  return { planes: made, width: across, height: down };
}

function byte(value) {
  return Math.round(clamp(value) * 255) / 255;
}

function clamp(value) {
  return Math.min(1, Math.max(0, value));
}

/** Round as Python does: a half goes to the even number. */
export function roundHalfEven(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}
