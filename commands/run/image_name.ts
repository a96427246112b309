const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const domain = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const part = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const reference: RegExp = new RegExp(
  `^(?:${domain}/)?${part}(?:/${part})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@${digest})?$`,
);
/** Programs that run without an image. */
const program = /^(npm|deno|file):[^\s]{1,1024}$/;

/** Whether an image may be called that. @see github.com/distribution/reference */
export function isImageName(text: string): boolean {
  return reference.test(text) || program.test(text);
}
