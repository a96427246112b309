/** A new id of so many hexadecimal digits, which nothing has yet. */
export function randomId(
  digits: number,
  { random, taken }: { readonly random: () => number; readonly taken: ReadonlyMap<string, unknown> },
): string {
  for (;;) {
    let id = "";
    while (id.length < digits) id += Math.floor(random() * 16).toString(16);
    if (!taken.has(id)) return id;
  }
}
