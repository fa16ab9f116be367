// The method's arithmetic as ONNX graphs: the losses of a picture and their gradient with respect to its pixels.
//
// The graph has only the layers that the chosen ones need. The forward part keeps each layer's activations. The
// backward part goes through the layers in reverse order: it adds the gradient of the losses at a layer, sets to zero
// what the ReLU has set to zero, and convolves with the flipped filters. All constants of the losses are inputs, so
// that α and β can change from one evaluation to the next.

import { Float, Graph } from "./onnx.js";

/**
 * The graph of one evaluation.
 *
 * Inputs: "image" (1, 3, H, W); "content" (the target P) and "pull content"; for each style layer "gram conv1_1" (the
 * target A) and "pull conv1_1". A pull is what F − P or (G − A) F is multiplied by in the gradient.
 * Outputs: "gradient"; "content error", the sums of (F − P)² over each filter; for each style layer "error conv1_1", the
 * sums of (G − A)² over each row.
 */
export function evaluationGraph(network, { contentLayer, styleLayers, height, width }) {
  const graph = new Graph();
  const layers = needed(network, [contentLayer, ...styleLayers]);
  const sizes = layerSizes(layers, height, width);
  const activations = forward(graph, network, layers, height, width);
  let gradient = null;
  for (const layer of [...layers].reverse()) {
    const active = activations[layer.name];
    const [rows, columns] = sizes[layer.name];
    const shape = [1, layer.filters, rows, columns];
    const parts = gradient === null ? [] : [gradient];
    if (layer.name === contentLayer) {
      const error = graph.add("Sub", [active, graph.input("content", shape)]);
      sumsOfSquares(graph, error, [2, 3], "content error", [1, layer.filters]);
      parts.push(graph.add("Mul", [error, graph.input("pull content", [1])]));
    }
    if (styleLayers.includes(layer.name)) {
      const flat = graph.add("Reshape", [active, graph.constant([layer.filters, rows * columns], [2])]);
      const gram = gramMatrix(graph, flat, 1 / (rows * columns));
      const target = graph.input(`gram ${layer.name}`, [layer.filters, layer.filters]);
      const error = graph.add("Sub", [gram, target]);
      sumsOfSquares(graph, error, [1], `error ${layer.name}`, [layer.filters]);
      const pull = graph.add("Mul", [error, graph.input(`pull ${layer.name}`, [1])]);
      parts.push(graph.add("Reshape", [graph.add("Gemm", [pull, flat]), graph.constant(shape, [4])]));
    }
    gradient = parts.reduce((sum, part) => graph.add("Add", [sum, part]));
    const firing = graph.add("Greater", [active, zero(graph)]);
    gradient = graph.add("Where", [firing, gradient, zero(graph)]);
    gradient = convolveBack(graph, layer, gradient);
    if (layer.pooled) gradient = spread(graph, gradient, sizes[layer.before]);
  }
  graph.add("Mul", [gradient, graph.constant(Float32Array.from(network.std, (std) => 1 / std), [1, 3, 1, 1])], {}, "gradient");
  graph.output("gradient", [1, 3, height, width]);
  return graph.bytes();
}

/**
 * The graph that computes targets, for pictures of any size.
 *
 * Input: "image". Outputs: "content", the content layer's activations; for each style layer "gram conv1_1", F Fᵀ, not
 * yet divided by the number of positions.
 */
export function targetGraph(network, { contentLayer, styleLayers }) {
  const graph = new Graph();
  const layers = needed(network, [contentLayer, ...styleLayers]);
  const activations = forward(graph, network, layers, "height", "width");
  if (contentLayer) {
    const filters = layers.find((layer) => layer.name === contentLayer).filters;
    graph.add("Identity", [activations[contentLayer]], {}, "content");
    graph.output("content", [1, filters, "content rows", "content columns"]);
  }
  for (const layer of layers.filter((one) => styleLayers.includes(one.name))) {
    const flat = graph.add("Reshape", [activations[layer.name], graph.constant([layer.filters, -1], [2])]);
    gramMatrix(graph, flat, 1, `gram ${layer.name}`);
    graph.output(`gram ${layer.name}`, [layer.filters, layer.filters]);
  }
  return graph.bytes();
}

/** The graph of some layers' activations, for pictures of any size. Input: "image". Outputs: the layers, by their names. */
export function activationsGraph(network, names) {
  const graph = new Graph();
  const layers = needed(network, names);
  const activations = forward(graph, network, layers, "height", "width");
  for (const { name, filters } of layers.filter((layer) => names.includes(layer.name))) {
    graph.add("Identity", [activations[name]], {}, name);
    graph.output(name, [1, filters, `${name} rows`, `${name} columns`]);
  }
  return graph.bytes();
}

/** The network's layers down to the deepest of some. */
export function needed(network, names) {
  const deepest = Math.max(...names.map((name) => network.layers.findIndex((layer) => layer.name === name)));
  return network.layers.slice(0, deepest + 1);
}

/** {layer: [rows, columns]} of the layers' maps for a picture; a pooling drops the last row of an odd number. */
export function layerSizes(layers, height, width) {
  const sizes = {};
  for (const layer of layers) {
    if (layer.pooled) [height, width] = [Math.floor(height / 2), Math.floor(width / 2)];
    sizes[layer.name] = [height, width];
  }
  return sizes;
}

function forward(graph, network, layers, height, width) {
  const image = graph.input("image", [1, 3, height, width]);
  const mean = graph.constant(Float32Array.from(network.mean), [1, 3, 1, 1]);
  const std = graph.constant(Float32Array.from(network.std), [1, 3, 1, 1]);
  let x = graph.add("Div", [graph.add("Sub", [image, mean]), std]);
  const activations = {};
  for (const layer of layers) {
    if (layer.pooled) x = graph.add("AveragePool", [x], { kernel_shape: [2, 2], strides: [2, 2] });
    x = graph.add("Relu", [convolve(graph, layer, x)]);
    activations[layer.name] = x;
  }
  return activations;
}

function convolve(graph, { weight, bias, filters, inputs }, x) {
  const filter = graph.constant(weight, [filters, inputs, 3, 3]);
  return graph.add("Conv", [x, filter, graph.constant(bias, [filters])], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
}

/**
 * The gradient with respect to a convolution's input: a convolution with the filters turned by 180 degrees, inputs and
 * outputs exchanged. After a pooling each pixel has a quarter of the gradient, which is put into the filters here.
 */
function convolveBack(graph, { weight, filters, inputs, pooled }, gradient) {
  const share = pooled ? 0.25 : 1;
  const turned = new Float32Array(weight.length);
  for (let filter = 0; filter < filters; filter++)
    for (let input = 0; input < inputs; input++)
      for (let tap = 0; tap < 9; tap++)
        turned[(input * filters + filter) * 9 + tap] = share * weight[(filter * inputs + input) * 9 + 8 - tap];
  const filter = graph.constant(turned, [inputs, filters, 3, 3]);
  return graph.add("Conv", [gradient, filter], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
}

/** The gradient of a pooling: each value is copied to its 2 × 2 pixels; a row or column that it dropped gets zero. */
function spread(graph, gradient, [rows, columns]) {
  const scales = graph.constant(Float32Array.of(1, 1, 2, 2), [4]);
  const how = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };
  const large = graph.add("Resize", [gradient, "", scales], how);
  if (rows % 2 === 0 && columns % 2 === 0) return large;
  return graph.add("Pad", [large, graph.constant([0, 0, 0, 0, 0, 0, rows % 2, columns % 2], [8])]);
}

/** F Fᵀ times a factor. */
function gramMatrix(graph, flat, factor, name) {
  return graph.add("Gemm", [flat, flat], { transB: 1, alpha: new Float(factor) }, name);
}

/** One sum for each filter: their total is formed in double precision outside. */
function sumsOfSquares(graph, error, axes, name, shape) {
  graph.output(graph.add("ReduceSumSquare", [error], { axes, keepdims: 0 }, name), shape);
}

function zero(graph) {
  return graph.constant(Float32Array.of(0), [1]);
}
