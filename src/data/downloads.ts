/** What can be fetched, from where, and under which terms. Addresses are those that the sources publish. */

/** A file that can be fetched. */
export interface Download {
  readonly name: string;
  /** Name of the file on the disk. */
  readonly file: string;
  readonly url: string;
  readonly what: string;
  readonly licence: string;
  /** SHA-256 in hexadecimal, or how it begins where the source publishes no more; `null` where it publishes none. */
  readonly sha256: string | null;
}

/** Data that must be asked for: a form, an account or a licence stands before it. */
export interface OnRequest {
  readonly name: string;
  readonly what: string;
  readonly how: string;
}

// KamitaniLab/GenericObjectDecoding, data/README.md.
const FIGSHARE = "https://ndownloader.figshare.com/files/";
const GOD_H5 = [24080120, 24080123, 24080126, 24080129, 24080132];
const GOD_MAT = [13663487, 13663490, 13663493, 13663496, 13663499];
const GOD_LISTS = "https://raw.githubusercontent.com/KamitaniLab/GenericObjectDecoding/master/data/";
const GOD_LICENCE = "CC BY 4.0 (figshare 7387130); cite Horikawa & Kamitani 2017";
// WeizmannVision/SelfSuperReconst, setup_data.sh.
const FOLLOW_UP = "https://github.com/WeizmannVision/SelfSuperReconst/releases/download/v1/";
const FOLLOW_UP_LICENCE = "non-commercial research (Weizmann Institute); pictures under ImageNet's terms";
const TORCHVISION = "https://download.pytorch.org/models/";
const TORCHVISION_LICENCE = "BSD-3-Clause (torchvision); trained on ImageNet";

const subjects = [1, 2, 3, 4, 5] as const;

/** Everything that `voxpix download` fetches. */
export const downloads: readonly Download[] = [
  ...subjects.map((n) => ({
    name: `god-subject${n}`,
    file: `Subject${n}.h5`,
    url: `${FIGSHARE}${GOD_H5[n - 1]}`,
    what: `fMRI on ImageNet, subject ${n} (bdpy HDF5)`,
    licence: GOD_LICENCE,
    sha256: null,
  })),
  ...subjects.map((n) => ({
    name: `god-subject${n}-mat`,
    file: `Subject${n}.mat`,
    url: `${FIGSHARE}${GOD_MAT[n - 1]}`,
    what: `fMRI on ImageNet, subject ${n} (MATLAB)`,
    licence: GOD_LICENCE,
    sha256: null,
  })),
  ...(["training", "test"] as const).map((part) => ({
    name: `god-pictures-${part}`,
    file: `imageID_${part}.csv`,
    url: `${GOD_LISTS}imageID_${part}.csv`,
    what: `names of the ${part} pictures of fMRI on ImageNet, in order (not the pictures)`,
    licence: "MIT (KamitaniLab/GenericObjectDecoding)",
    sha256: null,
  })),
  ...subjects.map((n) => ({
    name: `ssfmri2im-subject${n}`,
    file: `sbj_${n}.npz`,
    url: `${FOLLOW_UP}sbj_${n}.npz`,
    what: `fMRI on ImageNet, subject ${n}, as the follow-up of Beliy et al. prepared it`,
    licence: FOLLOW_UP_LICENCE,
    sha256: null,
  })),
  {
    name: "ssfmri2im-images",
    file: "images_112.npz",
    url: `${FOLLOW_UP}images_112.npz`,
    what: "the pictures of fMRI on ImageNet at 112 pixels, from the same release",
    licence: FOLLOW_UP_LICENCE,
    sha256: null,
  },
  {
    name: "kay",
    file: "kay_images.npz",
    url: "https://osf.io/ymnjv/download",
    what: "the open part of vim-1: subject 1, pictures and responses",
    licence: "as on osf.io/ymnjv (Neuromatch Academy); cite Kay et al. 2008 and CRCNS vim-1",
    sha256: null,
  },
  {
    name: "vgg19",
    file: "vgg19-dcbb9e9d.pth",
    url: `${TORCHVISION}vgg19-dcbb9e9d.pth`,
    what: "VGG19 of torchvision, for the image loss",
    licence: TORCHVISION_LICENCE,
    // PyTorch puts the first eight digits into the name.
    sha256: "dcbb9e9d",
  },
  {
    name: "alexnet",
    file: "alexnet-owt-4df8aa71.pth",
    url: `${TORCHVISION}alexnet-owt-4df8aa71.pth`,
    what: "AlexNet of torchvision, whose conv1 serves the Encoder",
    licence: TORCHVISION_LICENCE,
    sha256: "4df8aa71",
  },
  {
    name: "caffenet",
    file: "imagenet-caffe-ref.mat",
    url: "http://www.vlfeat.org/matconvnet/models/imagenet-caffe-ref.mat",
    what: "CaffeNet of MatConvNet, the conv1 that the released code uses",
    licence: "BVLC reference model, unrestricted use; see the MatConvNet page",
    sha256: null,
  },
];

/** What is not fetched, and how to get it. */
export const onRequest: readonly OnRequest[] = [
  {
    name: "ImageNet pictures",
    what: "the 1,250 stimuli of fMRI on ImageNet at full size, and the 50,000 validation photographs",
    how: "ask KamitaniLab by their form for the stimuli (see github.com/KamitaniLab/GenericObjectDecoding), image-net.org for ILSVRC 2012",
  },
  {
    name: "vim-1",
    what: "EstimatedResponses.mat, Stimuli.mat and the full-resolution pictures",
    how: "make an account at crcns.org and accept its terms, then download data set vim-1",
  },
  {
    name: "69 digits",
    what: "digit69_28x28.mat",
    how: "accept the data use agreement of the Donders repository, hdl.handle.net/11633/di.dcc.DSC_2018.00112_485",
  },
];
