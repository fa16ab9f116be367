// L-BFGS with a backtracking line search, as in stylelib/optimizers.py: the same steps, the same rules for stopping.
//
// Nocedal and Wright, "Numerical Optimization", algorithms 7.4 and 3.1. A state is {parameters, evaluation, memory}; an
// evaluation is {loss, losses, gradient}. A step takes one state and returns the next, and leaves the old one as it was.

const HISTORY = 20; // past steps that the curvature is estimated from
const FIRST_MOVE = 0.02; // root mean square change of a pixel in the very first step, when there is no history
const SUFFICIENT = 1e-4; // fraction of the predicted decrease that a step must reach (Armijo)
const TRIALS = 12; // step lengths that are tried before the search gives up

/** No step from here lowers the loss; the message says why. */
export class NoBetterPicture extends Error {}

/** The state before the first step. */
export function start(parameters, evaluation) {
  return { parameters, evaluation, memory: [] };
}

/** Return the next state. `evaluate` takes parameters and returns their evaluation, now or later. */
export async function step(state, evaluate) {
  try {
    return await search(state, evaluate);
  } catch (error) {
    if (!(error instanceof NoBetterPicture) || state.memory.length === 0) throw error;
    return search(start(state.parameters, state.evaluation), evaluate); // without the history, along the gradient
  }
}

/** Whether the loss and the gradient are finite numbers. A sum is finite only if all its parts are. */
export function isFinite({ loss, gradient }) {
  return Number.isFinite(loss) && Number.isFinite(gradient.reduce((sum, value) => sum + value, 0));
}

async function search({ parameters, evaluation, memory }, evaluate) {
  const direction = findDirection(evaluation.gradient, memory);
  const slope = dot(evaluation.gradient, direction);
  if (!(slope < 0)) throw new NoBetterPicture("the gradient is zero");
  let length = 1;
  for (let trial = 0; trial < TRIALS; trial++) {
    const moved = parameters.map((value, i) => value + length * direction[i]);
    const there = await evaluate(moved);
    const finite = isFinite(there);
    if (finite && there.loss <= evaluation.loss + SUFFICIENT * length * slope) {
      const change = there.gradient.map((value, i) => value - evaluation.gradient[i]);
      const pair = remember(moved.map((value, i) => value - parameters[i]), change);
      return { parameters: moved, evaluation: there, memory: [...memory, ...pair].slice(-HISTORY) };
    }
    length *= finite ? 0.5 : 0.1;
  }
  throw new NoBetterPicture("no step along the search direction lowers the loss any further");
}

/** Minus the estimated inverse Hessian times the gradient, by the two-loop recursion. */
function findDirection(gradient, memory) {
  const direction = gradient.map((value) => -value);
  const first = ratio(FIRST_MOVE, Math.sqrt(dot(gradient, gradient) / gradient.length));
  if (memory.length === 0) return scale(direction, first);
  const parts = [];
  for (const { step, change, curvature } of [...memory].reverse()) {
    const part = ratio(dot(step, direction), curvature);
    parts.unshift(part);
    addTo(direction, change, -part);
  }
  const { change, curvature } = memory.at(-1);
  const squares = dot(change, change);
  scale(direction, squares > 0 ? curvature / squares : first);
  memory.forEach(({ step, change, curvature }, i) => {
    addTo(direction, step, parts[i] - ratio(dot(change, direction), curvature));
  });
  return direction;
}

/** The new pair in a list, empty if the curvature along this step is not positive and would spoil the estimate. */
function remember(step, change) {
  const curvature = dot(step, change);
  const good = curvature > 1e-8 * Math.sqrt(dot(step, step)) * Math.sqrt(dot(change, change));
  return good ? [{ step, change, curvature }] : [];
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addTo(a, b, factor) {
  for (let i = 0; i < a.length; i++) a[i] += factor * b[i];
}

function scale(a, factor) {
  for (let i = 0; i < a.length; i++) a[i] *= factor;
  return a;
}

/** a / b, but 0 where b is 0, as for a picture that has converged. */
function ratio(a, b) {
  return b > 0 ? a / b : 0;
}
