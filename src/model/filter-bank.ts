/**
 * A fixed bank of Gabor and colour-opponent filters: what stands in for the first convolution of a trained network when no
 * weight file is given. Like AlexNet's conv1 it holds oriented edges at several scales and phases, and colour blobs.
 */

/** Filters in HWIO order `[size, size, inChannels, count]`. */
export interface FilterBank {
  readonly size: number;
  readonly inChannels: number;
  readonly count: number;
  readonly weights: Float32Array;
}

/** What a bank is made of. */
export interface FilterBankOptions {
  /** Width and height of a filter in pixels. */
  readonly size: number;
  readonly inChannels: 1 | 3;
  readonly orientations: number;
  /** Wavelengths of the Gabors, in pixels. */
  readonly wavelengths: readonly number[];
}

type Profile = (x: number, y: number) => number;

/** A Gabor: a grating of `wavelength` at angle `theta` and `phase`, under a Gaussian of 0.45 wavelengths. */
function gabor(wavelength: number, theta: number, phase: number): Profile {
  const sigma = 0.45 * wavelength;
  return (x, y) => {
    const along = x * Math.cos(theta) + y * Math.sin(theta);
    return Math.exp(-(x * x + y * y) / (2 * sigma * sigma)) * Math.cos((2 * Math.PI * along) / wavelength + phase);
  };
}

const blob =
  (sigma: number): Profile =>
  (x, y) =>
    Math.exp(-(x * x + y * y) / (2 * sigma * sigma));

/** Opponent axes as weights of R, G, B: light, red against green, blue against yellow. */
const opponents = {
  light: [1 / 3, 1 / 3, 1 / 3],
  redGreen: [0.5, -0.5, 0],
  blueYellow: [-0.25, -0.25, 0.5],
} as const;

interface Filter {
  readonly profile: Profile;
  readonly colour: readonly number[];
  readonly zeroMean: boolean;
}

function filters(options: FilterBankOptions): Filter[] {
  const { orientations, wavelengths, inChannels } = options;
  const light = inChannels === 1 ? [1] : opponents.light;
  const list: Filter[] = [];
  for (const wavelength of wavelengths) {
    for (let k = 0; k < orientations; k++) {
      // Four phases, because a ReLU follows and keeps only one sign.
      for (let quarter = 0; quarter < 4; quarter++) {
        const profile = gabor(wavelength, (Math.PI * k) / orientations, (Math.PI * quarter) / 2);
        list.push({ profile, colour: light, zeroMean: true });
      }
    }
  }
  const sigma = Math.min(...wavelengths) / 3;
  const axes = inChannels === 1 ? [] : [opponents.redGreen, opponents.blueYellow];
  list.push({ profile: blob(sigma), colour: light, zeroMean: false });
  for (const axis of axes) {
    for (const sign of [1, -1]) list.push({ profile: blob(sigma), colour: axis.map((w) => sign * w), zeroMean: false });
  }
  return list;
}

/** Samples a profile on the pixel grid, removes its mean where asked, and scales it to unit sum of magnitudes. */
function sample({ profile, zeroMean }: Filter, size: number): Float64Array {
  const centre = (size - 1) / 2;
  const values = Float64Array.from({ length: size * size }, (_, i) =>
    profile((i % size) - centre, Math.floor(i / size) - centre),
  );
  const mean = zeroMean ? values.reduce((a, b) => a + b, 0) / values.length : 0;
  const centred = values.map((v) => v - mean);
  const total = centred.reduce((a, b) => a + Math.abs(b), 0);
  return centred.map((v) => v / total);
}

/** The bank: `orientations x wavelengths x 4 phases` Gabors of luminance, a light blob and, in colour, four opponent blobs. */
export function gaborBank(options: FilterBankOptions): FilterBank {
  const list = filters(options);
  const { size, inChannels } = options;
  const weights = new Float32Array(size * size * inChannels * list.length);
  list.forEach((filter, o) => {
    const values = sample(filter, size);
    values.forEach((value, pixel) => {
      for (let c = 0; c < inChannels; c++) {
        weights[(pixel * inChannels + c) * list.length + o] = value * (filter.colour[c] as number);
      }
    });
  });
  return { size, inChannels, count: list.length, weights };
}
