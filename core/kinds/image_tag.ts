const component = "[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*";
const label = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?";
const host = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const name = new RegExp(`^(?:${host}/)?${component}(?:/${component})*$`);
const maxNameLength = 255;

/** The tag of an image; `latest` when it has neither tag nor digest, undefined when it has only a digest or names no image. */
export function imageTag(image: string): string | undefined {
  const at = image.indexOf("@");
  const tagged = at < 0 ? image : image.slice(0, at);
  const colon = tagged.indexOf(":", tagged.lastIndexOf("/") + 1);
  const named = colon < 0 ? tagged : tagged.slice(0, colon);
  if (named.length > maxNameLength || !name.test(named)) return undefined;
  if (colon >= 0) return tagged.slice(colon + 1);
  return at < 0 ? "latest" : undefined;
}
