/** Stand-in for `@std/cli` in the npm build, which cannot depend on JSR packages: the part of its API that wherry uses. */

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Extended_Pictographic}/u;

/** How many columns `str` takes on a terminal: wide characters two, combining marks and escape sequences none. */
export function unicodeWidth(str: string): number {
  let width = 0;
  for (const character of str) {
    if (/[\p{M}\p{C}]/u.test(character)) continue;
    width += wide.test(character) ? 2 : 1;
  }
  return width;
}
