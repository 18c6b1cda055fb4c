/**
 * What the licence of published weights allows.
 *
 * @module
 */

/** NVIDIA's repositories of SegFormer and of its encoders pre-trained on ImageNet. */
const NVIDIA_SEGFORMER = /^nvidia\/(mit-|segformer-)/i;

/**
 * What users must know about the licence of weights before they publish what is made with them.
 *
 * @param source Where the weights come from, such as `nvidia/mit-b5` or `nvidia/mit-b5@main`.
 * @returns One sentence to be printed when the weights are used and recorded in models that are
 * trained from them; null where nothing is known.
 *
 * @example
 * ```ts
 * import { licenceNotice } from "swath";
 *
 * if (licenceNotice("nvidia/mit-b5") === null) throw new Error("NVIDIA's licence is known");
 * if (licenceNotice("someone/model") !== null) throw new Error("nothing is known of it");
 * ```
 */
export function licenceNotice(source: string): string | null {
  if (!NVIDIA_SEGFORMER.test(source)) return null;
  return "NVIDIA licenses these weights for research and evaluation only, not for commercial use " +
    "(https://github.com/NVlabs/SegFormer/blob/master/LICENSE)";
}
