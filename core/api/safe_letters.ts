import type { Random } from "../platform/random.ts";

/** Letters of made names: without vowels and look-alikes, so that they spell no words. @see k8s.io/apimachinery/pkg/util/rand */
export const safeLetters = "bcdfghjklmnpqrstvwxz2456789";

/** How long {@linkcode randomSuffix} is. */
export const suffixLength = 5;

/** Five random {@linkcode safeLetters}, to tell apart what would have the same name. */
export function randomSuffix(random: Random): string {
  return Array.from({ length: suffixLength }, () => safeLetters.charAt(Math.floor(random() * safeLetters.length))).join(
    "",
  );
}
