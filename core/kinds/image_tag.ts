/** The tag of an image; `latest` when it has neither tag nor digest, undefined when it has only a digest. */
export function imageTag(image: string): string | undefined {
  if (image === "") return undefined;
  const at = image.indexOf("@");
  const name = at < 0 ? image : image.slice(0, at);
  const colon = name.indexOf(":", name.lastIndexOf("/") + 1);
  if (colon >= 0) return name.slice(colon + 1);
  return at < 0 ? "latest" : undefined;
}
