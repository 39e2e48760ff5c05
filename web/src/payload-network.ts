/** The part of a payload that is computed with: the forward pass of a network. */

import type { ArrayRef } from "./payload";

/** The forward pass from unscaled inputs: x is one row. The class answered is that of the
 * largest output; where `probabilities` is false its confidence is the softmax of them. */
export interface Network {
  probabilities: boolean;
  ops: Op[];
  input: PictureInput | FeatureInput;
  /** For each basis (by id) and layer, the map onto the square of its positions at the
   * last snapshot: x_i = sum_j axes[j, i] * (output[j]) + offset[i], in units in which
   * 1 is 32767. axes (units, 2) float32. null: this layer cannot be placed. */
  planes: Record<string, ({ axes: ArrayRef; offset: [number, number] } | null)[]>;
}

/** As `layerwise.names` has them; GELU in its form with tanh. */
export type Activation =
  | "relu" | "leaky-relu" | "tanh" | "sigmoid" | "gelu" | "identity" | "softmax";

export type Op =
  /** (x - offset) / divisor, each (1,) or (inputs,) float32: the scaling. */
  | { op: "scale"; offset: ArrayRef; divisor: ArrayRef }
  /** x @ weights + biases; weights (in, out) float16 or float32. */
  | { op: "linear"; weights: ArrayRef; biases?: ArrayRef }
  | { op: "activation"; name: Activation; slope?: number }
  /** Over the units of one sample: (x - mean) / sqrt(var + epsilon) * gain + shift. */
  | { op: "layernorm"; gain: ArrayRef; shift: ArrayRef; epsilon: number }
  /** x = x + the value kept by the last "keep" that was not yet added. */
  | { op: "keep" }
  | { op: "add" }
  /** What stands here are the outputs of layer `layer` (an index into `layers`). */
  | { op: "read"; layer: number };

export interface PictureInput {
  kind: "picture";
  height: number;
  width: number;
  /** Value of paper and of full ink. */
  paper: number;
  ink: number;
  /** As MNIST: fitted into the middle 20 of 28 and centred on its mass. */
  centred: boolean;
}

export interface FeatureInput {
  kind: "features";
  /** In the order of the inputs. */
  features: Feature[];
}

/** A number between two others, or one of several choices. */
export interface Feature {
  name: string;
  /** The median, or the index of the commonest choice. */
  middle: number;
  minimum?: number;
  maximum?: number;
  step?: number;
  choices?: string[];
  /** Whether each choice is an input, 1 where it is chosen; else its index is one. */
  spread?: boolean;
}
