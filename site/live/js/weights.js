// The networks' files: safetensors with the weights in float16 and the numbers that normalise their activations.

/** Fetch a network and return its layers with weights in float32, normalised as stylelib normalises them. */
export async function loadNetwork(about, base) {
  const answer = await fetch(new URL(about.file, base));
  if (!answer.ok) throw new Error(`The network ${about.name} could not be loaded (${answer.status}).`);
  return network(about, await answer.arrayBuffer());
}

/** Return a network from the bytes of its file and what the list of networks says about it. */
export function network(about, buffer) {
  const tensors = readTensors(buffer);
  let incoming = new Float32Array(3).fill(1);
  const layers = about.layers.map((layer) => {
    const weight = tensors[`${layer.name}.weight`];
    const bias = tensors[`${layer.name}.bias`].map((value, filter) => value / tensors[`${layer.name}.scale`][filter]);
    const scale = tensors[`${layer.name}.scale`];
    const inputs = incoming.length;
    for (let filter = 0; filter < scale.length; filter++)
      for (let input = 0; input < inputs; input++) {
        const factor = Math.fround(incoming[input] / scale[filter]);
        const first = (filter * inputs + input) * 9;
        for (let tap = first; tap < first + 9; tap++) weight[tap] *= factor;
      }
    incoming = scale;
    return { ...layer, inputs, weight, bias };
  });
  return { ...about, layers };
}

/** Return {name: Float32Array} from the bytes of a safetensors file of float16 and float32. */
export function readTensors(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const tensors = {};
  for (const [name, about] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [begin, end] = about.data_offsets;
    const bytes = buffer.slice(8 + length + begin, 8 + length + end); // a copy, because offsets need not be aligned
    tensors[name] = about.dtype === "F16" ? fromHalf(new Uint16Array(bytes)) : new Float32Array(bytes);
  }
  return tensors;
}

/** float16 to float32. */
function fromHalf(halves) {
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    values[i] = half & 0x8000 ? -size : size;
  }
  return values;
}
