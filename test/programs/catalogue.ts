/** The ops that random programs are made of, each with its float64 reference and the choices it has. */
import * as vp from "../../src/index.js";
import type { Row, RowName } from "../../src/tensor/ops/elementwise/row.js";
import { elementwiseTable } from "../../src/tensor/ops/elementwise-table.js";
import type { Shape } from "../../src/tensor/shape.js";
import { stridesOf } from "../../src/tensor/shape.js";
import { avgPoolReference } from "../reference/avg-pool2d.js";
import { batchNormReference, channelStatistics } from "../reference/batch-norm2d.js";
import { concatReference } from "../reference/concat.js";
import { conv2dOutputSize, conv2dReference } from "../reference/conv2d.js";
import { cumulativeReference } from "../reference/cumulative.js";
import { rowReferences } from "../reference/elementwise.js";
import { gatherPlaces } from "../reference/gather.js";
import { groupNormReference } from "../reference/group-norm.js";
import { batchReference, matmulReference } from "../reference/matmul.js";
import { maxPoolReference } from "../reference/max-pool2d.js";
import { padSources } from "../reference/pad.js";
import { reduceReference } from "../reference/reduce.js";
import { sliceReference } from "../reference/slice.js";
import { softmaxReference } from "../reference/softmax.js";
import { transposeReference } from "../reference/transpose.js";
import { upsample2dReference } from "../reference/upsample2d.js";
import type { Entry, Pick, Value } from "./program.js";

const sizeOf = (shape: Shape) => shape.reduce((a, b) => a * b, 1);
const from = (shape: Shape, values: ArrayLike<number>): Value => ({ shape, values: Float64Array.from(values) });
const upTo = (pick: Pick, most: number) => 1 + pick(Math.max(1, most));

/** The shape two shapes broadcast to, or `null`. */
function broadcast(shapes: readonly Shape[]): number[] | null {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const sizes = shapes.map((shape) => shape[axis - (rank - shape.length)] ?? 1).filter((size) => size !== 1);
    if (new Set(sizes).size > 1) return null;
    result.push(sizes[0] ?? 1);
  }
  return result;
}

/** Index into a tensor of shape `own` for each element of `shape`, which it broadcasts to. */
function broadcastIndices(own: Shape, shape: Shape): number[] {
  const outer = stridesOf(shape);
  const strides = stridesOf(own);
  const lead = shape.length - own.length;
  return Array.from({ length: sizeOf(shape) }, (_, i) =>
    own.reduce(
      (sum, size, axis) =>
        sum + (size === 1 ? 0 : (Math.floor(i / outer[axis + lead]!) % shape[axis + lead]!) * strides[axis]!),
      0,
    ),
  );
}

/** Rows whose inputs are all f32 and that give f32: others appear in entries of their own. */
const rowNames = (Object.keys(elementwiseTable) as RowName[]).filter((name) => {
  const row: Row = elementwiseTable[name];
  return (
    row.vjp?.every((gradient) => gradient !== null) &&
    (row.output ?? "f32") === "f32" &&
    (row.dtypes ?? []).every((dtype) => dtype === "same") &&
    name in vp
  );
});

/**
 * One row, its inputs brought into its domain first: `middle + half tanh(x)`, so that logarithms see positive numbers and quotients no
 * small divisors.
 */
function rowEntry(name: RowName): Entry {
  const row = { ...elementwiseTable[name], ...rowReferences[name] };
  const op = (vp as unknown as Record<string, (...inputs: vp.Tensor[]) => vp.Tensor>)[name]!;
  const needed = row.domain.map(([low, high]) =>
    low > -1.5 || high < 1.5 ? { middle: (low + high) / 2, half: (high - low) / 2 } : null,
  );
  const intoDomain = (i: number, v: number) => {
    const range = needed[i];
    return range ? range.middle + range.half * Math.tanh(v) : v;
  };
  const tensorIntoDomain = (i: number, x: vp.Tensor) => {
    const range = needed[i];
    if (!range) return x;
    const { device } = x;
    return vp.add(vp.mul(vp.tanh(x), vp.constant(device, range.half)), vp.constant(device, range.middle));
  };
  const gather = (inputs: readonly Value[]) => {
    const shape = broadcast(inputs.map((input) => input.shape))!;
    const indices = inputs.map((input) => broadcastIndices(input.shape, shape));
    const points = Array.from({ length: sizeOf(shape) }, (_, e) =>
      inputs.map((input, i) => intoDomain(i, input.values[indices[i]![e]!]!)),
    );
    return { shape, points };
  };
  return {
    name,
    arity: row.inputs.length,
    choose: (shapes) =>
      broadcast(shapes) && {
        text: name,
        run: (...inputs) => op(...inputs.map((x, i) => tensorIntoDomain(i, x))),
        reference: (...inputs) => {
          const { shape, points } = gather(inputs);
          return from(
            shape,
            points.map((point) => row.reference(...point)),
          );
        },
        kink: (...inputs) => row.kink !== undefined && gather(inputs).points.some((point) => row.kink!(...point)),
      },
  };
}

/** A set of axes of a shape, never empty. */
function someAxes(pick: Pick, rank: number): number[] {
  const mask = 1 + pick(2 ** rank - 1);
  return Array.from({ length: rank }, (_, axis) => axis).filter((axis) => mask & (1 << axis));
}

/** Whether two elements that a maximum compares are nearly equal. */
function nearTie(values: ArrayLike<number>, groups: number[], margin = 0.02): boolean {
  const best = new Map<number, number[]>();
  groups.forEach((group, i) => {
    best.set(group, [...(best.get(group) ?? []), values[i]!]);
  });
  return [...best.values()].some((list) => {
    const sorted = list.sort((a, b) => a - b);
    return sorted.some((v, i) => i > 0 && v - sorted[i - 1]! < margin);
  });
}

/** Reductions that a difference quotient can judge; what must stay away from where they have no slope. */
const reductionOps = {
  sum: vp.sum,
  mean: vp.mean,
  max: vp.max,
  min: vp.min,
  prod: vp.prod,
  variance: vp.variance,
  std: vp.std,
  norm: vp.norm,
  logSumExp: vp.logSumExp,
} as const;

function reduction(kind: keyof typeof reductionOps): Entry {
  const op = reductionOps[kind];
  return {
    name: kind,
    arity: 1,
    choose: ([shape], pick) => {
      if (shape!.length === 0) return null;
      const axes = someAxes(pick, shape!.length);
      const keepDims = pick(2) === 1;
      const kept = shape!.map((size, i) => (axes.includes(i) ? 1 : size));
      const result = keepDims ? kept : shape!.filter((_, i) => !axes.includes(i));
      if ((kind === "variance" || kind === "std") && sizeOf(kept) === sizeOf(shape!)) return null;
      const reference = ({ values }: Value) => from(result, reduceReference(kind, values, shape!, axes));
      return {
        text: `${kind} axes ${axes} keepDims ${keepDims} of `,
        run: (x) => op(x!, { axes, keepDims }),
        reference,
        kink(x) {
          if (kind === "max" || kind === "min") return nearTie(x.values, broadcastIndices(kept, shape!));
          return (kind === "std" || kind === "norm") && reference(x).values.some((v) => v < 0.1);
        },
      };
    },
  };
}

/** Ops along one axis that keep the shape. */
const alongAxis: Entry[] = (
  [
    ["softmax", vp.softmax, (v: Float64Array, shape: Shape, axis: number) => softmaxReference(v, shape, axis, false)],
    [
      "logSoftmax",
      vp.logSoftmax,
      (v: Float64Array, shape: Shape, axis: number) => softmaxReference(v, shape, axis, true),
    ],
    [
      "cumSum",
      vp.cumSum,
      (v: Float64Array, shape: Shape, axis: number) => cumulativeReference("cumSum", v, shape, { axis }),
    ],
    [
      "cumProd",
      vp.cumProd,
      (v: Float64Array, shape: Shape, axis: number) => cumulativeReference("cumProd", v, shape, { axis }),
    ],
  ] as const
).map(([name, op, reference]) => ({
  name,
  arity: 1,
  choose: ([shape], pick) => {
    if (shape!.length === 0) return null;
    const axis = pick(shape!.length);
    return {
      text: `${name} axis ${axis} of `,
      run: (x) => op(x!, { axis }),
      reference: ({ values }) => from(shape!, reference(values, shape!, axis)),
    };
  },
}));

/** Rows picked by whole numbers, some of them twice. */
const taken: Entry = {
  name: "take",
  arity: 1,
  choose: ([shape], pick) => {
    if (shape!.length === 0) return null;
    const axis = pick(shape!.length);
    const indices = Int32Array.from({ length: upTo(pick, 6) }, () => pick(shape![axis]!));
    const result = shape!.map((size, i) => (i === axis ? indices.length : size));
    return {
      text: `take axis ${axis} [${indices}] of `,
      run: (x) => vp.take(x!, vp.tensor(x!.device, indices), { axis }),
      reference: ({ values }) =>
        from(
          result,
          gatherPlaces(shape!, axis, indices, false).map((place) => values[place]!),
        ),
    };
  },
};

const shapeEntries: Entry[] = [
  {
    name: "reshape",
    arity: 1,
    choose: ([shape], pick) => {
      // Merge two neighbours, or split a size into two factors.
      const axis = pick(Math.max(1, shape!.length));
      const size = shape![axis] ?? 1;
      const factor = [2, 3, 5].find((f) => size % f === 0);
      const target =
        pick(2) === 0 && shape!.length >= 2
          ? [
              ...shape!.slice(0, Math.min(axis, shape!.length - 2)),
              shape![Math.min(axis, shape!.length - 2)]! * shape![Math.min(axis, shape!.length - 2) + 1]!,
              ...shape!.slice(Math.min(axis, shape!.length - 2) + 2),
            ]
          : factor && shape!.length < 5
            ? [...shape!.slice(0, axis), factor, size / factor, ...shape!.slice(axis + 1)]
            : [sizeOf(shape!)];
      return {
        text: `reshape [${target}] of `,
        run: (x) => vp.reshape(x!, { shape: target }),
        reference: ({ values }) => ({ shape: target, values }),
      };
    },
  },
  {
    name: "transpose",
    arity: 1,
    choose: ([shape], pick) => {
      const rest = shape!.map((_, i) => i);
      const axes = shape!.map(() => rest.splice(pick(rest.length), 1)[0]!);
      return {
        text: `transpose [${axes}] of `,
        run: (x) => vp.transpose(x!, { axes }),
        reference: ({ values }) =>
          from(
            axes.map((axis) => shape![axis]!),
            transposeReference(values, shape!, axes),
          ),
      };
    },
  },
  {
    name: "slice",
    arity: 1,
    choose: ([shape], pick) => {
      const ranges = shape!.map((size) => {
        const step = [1, 2, -1, -2, 3][pick(5)]!;
        const start = pick(size);
        const most = Math.ceil((step > 0 ? size - start : start + 1) / Math.abs(step));
        return { start, step, count: upTo(pick, most) };
      });
      const ends = ranges.map(({ start, step, count }, axis) => {
        const end = start + step * count;
        return end < 0 ? null : Math.min(end, shape![axis]!);
      });
      const options = { start: ranges.map((r) => r.start), end: ends, step: ranges.map((r) => r.step) };
      return {
        text: `slice ${JSON.stringify(options)} of `,
        run: (x) => vp.slice(x!, options),
        reference: ({ values }) =>
          from(
            ranges.map((r) => r.count),
            sliceReference(values, shape!, ranges),
          ),
      };
    },
  },
  {
    name: "concat",
    arity: 2,
    choose: ([a, b], pick) => {
      if (a!.length === 0 || a!.length !== b!.length) return null;
      const axis = pick(a!.length);
      if (a!.some((size, i) => i !== axis && size !== b![i])) return null;
      return {
        text: `concat axis ${axis} of `,
        run: (x, y) => vp.concat([x!, y!], { axis }),
        reference: (x, y) =>
          from(
            x!.shape.map((size, i) => (i === axis ? size + y!.shape[i]! : size)),
            concatReference([x!, y!], axis),
          ),
      };
    },
  },
  {
    name: "pad",
    arity: 1,
    choose: ([shape], pick) => {
      const mode = (["constant", "replicate", "reflect"] as const)[pick(3)]!;
      const padding = shape!.map((size) => {
        const most = mode === "reflect" ? Math.min(3, size) : 3;
        return [pick(most), pick(most)] as const;
      });
      const value = mode === "constant" ? 0.5 * pick(3) : 0;
      return {
        text: `pad ${mode} ${JSON.stringify(padding)} ${value} of `,
        run: (x) => vp.pad(x!, mode === "constant" ? { padding, mode, value } : { padding, mode }),
        reference: ({ values }) =>
          from(
            shape!.map((size, i) => size + padding[i]![0] + padding[i]![1]),
            padSources(mode, shape!, padding).map((i) => (i < 0 ? value : values[i]!)),
          ),
      };
    },
  },
  {
    name: "broadcastTo",
    arity: 1,
    choose: ([shape], pick) => {
      const target = [
        ...Array.from({ length: pick(2) }, () => upTo(pick, 3)),
        ...shape!.map((size) => (size === 1 ? upTo(pick, 3) : size)),
      ];
      return {
        text: `broadcastTo [${target}] of `,
        run: (x) => vp.broadcastTo(x!, { shape: target }),
        reference: ({ values }) =>
          from(
            target,
            broadcastIndices(shape!, target).map((i) => values[i]!),
          ),
      };
    },
  },
];

const products: Entry[] = [
  {
    name: "matmul",
    arity: 2,
    choose: ([a, b], pick) => {
      if (a!.length !== 2 || b!.length !== 2) return null;
      const options = { transposeA: pick(2) === 1, transposeB: pick(2) === 1 };
      const [K, M] = options.transposeA ? a! : [a![1], a![0]];
      const [N, inner] = options.transposeB ? b! : [b![1], b![0]];
      if (K !== inner) return null;
      const size = { M: M!, N: N!, K: K! };
      return {
        text: `matmul ${JSON.stringify(options)} of `,
        run: (x, y) => vp.matmul(x!, y!, options),
        reference: (x, y) => from([M!, N!], matmulReference(x!.values, y!.values, size, options)),
      };
    },
  },
  {
    name: "matmul of batches",
    arity: 2,
    choose: ([a, b]) => {
      if (a!.length < 1 || b!.length < 1 || a!.length + b!.length === 4) return null;
      if (a!.at(-1) !== (b!.at(-2) ?? b![0])) return null;
      const batch = broadcast([a!.slice(0, -2), b!.slice(0, -2)]);
      if (!batch) return null;
      const rows = a!.length > 1 ? [a!.at(-2)!] : [];
      const columns = b!.length > 1 ? [b!.at(-1)!] : [];
      return {
        text: "matmul of batches of ",
        run: (x, y) => vp.matmul(x!, y!),
        reference: (x, y) =>
          from([...batch, ...rows, ...columns], batchReference(x!.values, x!.shape, y!.values, y!.shape, {})),
      };
    },
  },
  {
    name: "gram",
    arity: 1,
    choose: ([shape]) => {
      if (shape!.length !== 2) return null;
      const [K, M] = shape as [number, number];
      return {
        text: "x^T x of ",
        run: (x) => vp.matmul(x!, x!, { transposeA: true }),
        reference: ({ values }) => from([M, M], matmulReference(values, values, { M, N: M, K }, { transposeA: true })),
      };
    },
  },
  {
    name: "conv2d",
    arity: 2,
    choose: ([x, w], pick) => {
      if (x!.length !== 4 || w!.length < 1) return null;
      const [N, H, W, C] = x as [number, number, number, number];
      const size = sizeOf(w!);
      const groups = C % 2 === 0 && pick(3) === 0 ? 2 : 1;
      const KH = upTo(pick, 3);
      const KW = upTo(pick, 3);
      const O = groups * upTo(pick, 3);
      const shape = [KH, KW, C / groups, O];
      // The weight is made of another value, repeated as often as it takes.
      const wanted = sizeOf(shape);
      if (size > wanted) return null;
      const pair = () => [pick(3), pick(3)] as const;
      const geometry = {
        N,
        H,
        W,
        C,
        KH,
        KW,
        O,
        groups,
        stride: [upTo(pick, 2), upTo(pick, 3)] as const,
        dilation: [upTo(pick, 2), upTo(pick, 2)] as const,
        padding: [pair(), pair()] as const,
      };
      const [OH, OW] = conv2dOutputSize(geometry);
      if (OH < 1 || OW < 1) return null;
      const repeats = Math.ceil(wanted / size);
      const { stride, dilation, padding } = geometry;
      return {
        text: `conv2d ${JSON.stringify({ weight: shape, stride, dilation, padding, groups })} of `,
        run: (image, values) => {
          const flat = vp.reshape(
            vp.broadcastTo(vp.reshape(values!, { shape: [1, size] }), { shape: [repeats, size] }),
            { shape: [repeats * size] },
          );
          const weight = vp.reshape(vp.slice(flat, { start: [0], end: [wanted] }), { shape });
          return vp.conv2d(image!, weight, null, { stride, dilation, padding, groups });
        },
        reference: (image, values) =>
          from(
            [N, OH, OW, O],
            conv2dReference(
              geometry,
              image!.values,
              Float64Array.from({ length: wanted }, (_, i) => values!.values[i % size]!),
              null,
            ),
          ),
      };
    },
  },
];

const imageEntries: Entry[] = [
  {
    name: "avgPool2d",
    arity: 1,
    choose: ([shape], pick) => {
      if (shape!.length !== 4) return null;
      const kernel = [upTo(pick, Math.min(3, shape![1]!)), upTo(pick, Math.min(3, shape![2]!))] as const;
      const stride = [upTo(pick, 2), upTo(pick, 3)] as const;
      const options = { kernelSize: kernel, stride };
      const window = {
        kernel,
        stride,
        padding: [
          [0, 0],
          [0, 0],
        ] as const,
        dilation: [1, 1] as const,
        ceilMode: false,
      };
      return {
        text: `avgPool2d ${JSON.stringify(options)} of `,
        run: (x) => vp.avgPool2d(x!, options),
        reference: ({ values }) => {
          const result = avgPoolReference(values, shape!, window, true, (size) => new Float64Array(size));
          return from(result.shape, result.values);
        },
      };
    },
  },
  {
    name: "upsample2d",
    arity: 1,
    choose: ([shape], pick) => {
      if (shape!.length !== 4) return null;
      const size = [upTo(pick, 7), upTo(pick, 7)] as const;
      const mode = (["nearest", "bilinear"] as const)[pick(2)]!;
      const options = mode === "bilinear" ? { size, mode, alignCorners: pick(2) === 1 } : { size, mode };
      return {
        text: `upsample2d ${JSON.stringify(options)} of `,
        run: (x) => vp.upsample2d(x!, options),
        reference: ({ values }) =>
          from([shape![0]!, ...size, shape![3]!], upsample2dReference(values, shape!, size, options)),
      };
    },
  },
  {
    name: "maxPool2d",
    arity: 1,
    choose: ([shape], pick) => {
      if (shape!.length !== 4) return null;
      const kernel = [upTo(pick, Math.min(3, shape![1]!)), upTo(pick, Math.min(3, shape![2]!))] as const;
      const stride = [upTo(pick, 2), upTo(pick, 3)] as const;
      const window = {
        kernel,
        stride,
        padding: [
          [0, 0],
          [0, 0],
        ] as const,
        dilation: [1, 1] as const,
        ceilMode: false,
      };
      const planes = shape!.map((size, i) => (i === 1 || i === 2 ? 1 : size));
      return {
        text: `maxPool2d ${JSON.stringify({ kernel, stride })} of `,
        run: (x) => vp.maxPool2d(x!, { kernelSize: kernel, stride }),
        reference: ({ values }) => {
          const result = maxPoolReference(values, shape!, window);
          return from(result.shape, result.values);
        },
        kink: ({ values }) => nearTie(values, broadcastIndices(planes, shape!)),
      };
    },
  },
  {
    name: "groupNorm",
    arity: 1,
    choose: ([shape], pick) => {
      if (shape!.length < 2 || sizeOf(shape!) === 0) return null;
      const C = shape!.at(-1)!;
      const groups = [1, C, 2][pick(3)]!;
      const [N, P, D] = [shape![0]!, sizeOf(shape!.slice(1, -1)), C / groups];
      if (C % groups !== 0 || P * D < 3) return null;
      return {
        text: `groupNorm ${groups} of `,
        run: (x) => vp.groupNorm(x!, null, null, { groups, eps: 0.1 }),
        reference: ({ values }) => from(shape!, groupNormReference(values, null, null, { N, P, G: groups, D }, 0.1)),
      };
    },
  },
  {
    name: "batchNorm2d",
    arity: 1,
    choose: ([shape]) => {
      if (shape!.length !== 4 || sizeOf(shape!.slice(0, 3)) < 3) return null;
      const C = shape![3]!;
      const weight = Float64Array.from({ length: C }, (_, c) => 0.5 + c / 4);
      const bias = Float64Array.from({ length: C }, (_, c) => c / 8 - 0.25);
      return {
        text: "batchNorm2d of ",
        run: (x) =>
          vp.batchNorm2d(x!, vp.tensor(x!.device, weight), vp.tensor(x!.device, bias), { mode: "train", eps: 0.1 }),
        reference: ({ values }) =>
          from(shape!, batchNormReference(values, weight, bias, channelStatistics(values, C), 0.1)),
      };
    },
  },
];

/** A choice by a comparison: `where(x > y, x z, y)`, for the ops of masks. */
const masked: Entry = {
  name: "where",
  arity: 2,
  choose: (shapes) => {
    const shape = broadcast(shapes);
    if (!shape) return null;
    const pairs = (x: Value, y: Value) => {
      const [a, b] = [broadcastIndices(x.shape, shape), broadcastIndices(y.shape, shape)];
      return a.map((i, e) => [x.values[i]!, y.values[b[e]!]!] as const);
    };
    return {
      text: "where(x > y, x y, y) of ",
      run: (x, y) => vp.where(vp.greater(x!, y!), vp.mul(x!, y!), y!),
      reference: (x, y) =>
        from(
          shape,
          pairs(x!, y!).map(([a, b]) => (a > b ? a * b : b)),
        ),
      kink: (x, y) => pairs(x!, y!).some(([a, b]) => Math.abs(a - b) < 0.02),
    };
  },
};

/** Every op that programs may use; what fits few shapes stands here more than once. */
export const catalogue: readonly Entry[] = [
  ...rowNames.map(rowEntry),
  ...(Object.keys(reductionOps) as (keyof typeof reductionOps)[]).map(reduction),
  ...alongAxis,
  taken,
  ...shapeEntries,
  ...shapeEntries,
  ...products,
  ...products,
  ...imageEntries,
  ...imageEntries,
  masked,
];
