// Writes ONNX models: the few messages of the format that a network's graph needs, encoded as protocol buffers.
//
// The numbers of the fields are those of onnx.proto. A model is an operator graph over named tensors; see graph.js.

const FLOAT = 1;
const INT64 = 7;
const KINDS = { float: 1, int: 2, string: 3, ints: 7 };
const OPSET = 17;
const IR_VERSION = 8;
const utf8 = new TextEncoder();

/** A graph that is being put together: nodes, constants, inputs and outputs. */
export class Graph {
  #parts = [];
  #count = 0;

  /** Add an operation and return the name of its result. */
  add(operation, inputs, attributes = {}, name = `${operation}_${++this.#count}`) {
    const node = [...inputs.map((input) => text(1, input)), text(2, name), text(3, `${name}_node`), text(4, operation)];
    for (const [key, value] of Object.entries(attributes)) node.push(message(5, attribute(key, value)));
    this.#parts.push(message(1, node));
    return name;
  }

  /** Add a constant tensor, Float32Array or whole numbers, and return its name. */
  constant(values, shape, name = `constant_${++this.#count}`) {
    const floats = values instanceof Float32Array;
    const data = floats ? values : BigInt64Array.from(values, BigInt);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const kind = whole(2, floats ? FLOAT : INT64);
    this.#parts.push(message(5, [...shape.map((side) => whole(1, side)), kind, text(8, name), raw(9, bytes)]));
    return name;
  }

  /** Declare an input of float32; a side is a number, or a name if it may vary. */
  input(name, shape) {
    this.#parts.push(message(11, about(name, shape)));
    return name;
  }

  /** Declare that a result of an operation is an output. */
  output(name, shape) {
    this.#parts.push(message(12, about(name, shape)));
    return name;
  }

  /** Return the bytes of the model. */
  bytes() {
    const graph = [text(2, "graph"), ...this.#parts];
    return join([whole(1, IR_VERSION), message(7, graph), message(8, [whole(2, OPSET)])]);
  }
}

function attribute(name, value) {
  const kind = Array.isArray(value) ? "ints" : typeof value === "string" ? "string" : value instanceof Float ? "float" : "int";
  const parts = [text(1, name), whole(20, KINDS[kind])];
  if (kind === "float") parts.push(raw(2, new Uint8Array(Float32Array.of(value.value).buffer), 5));
  if (kind === "int") parts.push(whole(3, value));
  if (kind === "string") parts.push(text(4, value));
  if (kind === "ints") parts.push(...value.map((one) => whole(8, one)));
  return parts;
}

/** An attribute that is a float, because JavaScript does not tell 1.0 from 1. */
export class Float {
  constructor(value) {
    this.value = value;
  }
}

function about(name, shape) {
  const sides = shape.map((side) => message(1, [typeof side === "string" ? text(2, side) : whole(1, side)]));
  return [text(1, name), message(2, [message(1, [whole(1, FLOAT), message(2, sides)])])];
}

function message(field, parts) {
  return raw(field, join(parts));
}

function text(field, value) {
  return raw(field, utf8.encode(value));
}

function whole(field, value) {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

/** A field with bytes: of any length (wire type 2), or of four (wire type 5). */
function raw(field, bytes, wire = 2) {
  return join([Uint8Array.from([...varint(field * 8 + wire), ...(wire === 2 ? varint(bytes.length) : [])]), bytes]);
}

/** Seven bits a byte, the lowest first; the highest bit of a byte says that another follows. */
function varint(value) {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return [...bytes, value];
}

function join(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
