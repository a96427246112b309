/**
 * `text` without what is another at each call: the side's namespace and folder, uids, times, ages, versions of objects,
 * addresses, ports that the cluster chose, and the random ends of names. Columns keep their width.
 */
export function mask(
  text: string,
  { namespace, folder }: { readonly namespace: string; readonly folder: string },
): string {
  return rules.reduce(
    (masked, [pattern, replacement]) => masked.replace(pattern, replacement as string),
    text.replaceAll(folder, "<dir>").replaceAll(namespace, "<ns>"),
  );
}

/** Random letters of generated names: no vowels, nothing that is taken for something else. */
const letters = "[bcdfghjklmnpqrstvwxz2456789]";

const rules: readonly (readonly [RegExp, string | ((match: string) => string)])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "<uid>"],
  [/\/\S*\/(LIVE|MERGED)-\w+/g, "/tmp/$1"],
  [/\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}/g, "<time>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, "<time>"],
  [/\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}|\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \w+/g, "<time>"],
  [/("?resourceVersion"?: ?"?)\d+/g, "$1<version>"],
  [/(resource version to be \d+, was )\d+/g, "$1<version>"],
  [/(Resource Version: +)\d+/g, "$1<version>"],
  [/\b(127|10)\.\d+\.\d+\.\d+( *)/g, widthOf("<address>")],
  [/\b3[0-2]\d{3}\b/g, "<port>"],
  // An age stands at the end of a line or before the gap to the next column.
  [/(?<= {2,}|\t)\d+s( *)(?=$| )/gm, widthOf("<age>")],
  [new RegExp(`-${letters}{5}\\b`, "g"), "-<random>"],
  // What the program calls itself in its own words.
  [/(?<=['"`(]|e\.g\. )(kubectl(\.[\d.]+)?|wherry)(?=[ '"])/g, "<program>"],
  // A command line that is noted as the cause of a revision.
  [/(?<=^\d+ +)(kubectl(\.[\d.]+)?|wherry)(?= )/gm, "<program>"],
  [/"[^"\s]*\/(kubectl(\.[\d.]+)?|wherry)-edit-[^"\s]*"/g, '"<edited file>"'],
];

/** A replacement with the width of what was there, blanks behind it included. */
function widthOf(name: string): (match: string) => string {
  return (match) => `${name}${" ".repeat(match.endsWith(" ") ? 1 : 0)}`;
}
