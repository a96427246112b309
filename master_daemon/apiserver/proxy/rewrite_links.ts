/** Attributes of HTML that hold an address. */
const linkAttributes =
  /(<[a-z][^<>]{0,4096}?\s(?:action|background|cite|classid|codebase|data|formaction|href|icon|longdesc|manifest|poster|profile|src|usemap)\s*=\s*)(["'])(\/(?!\/)[^"'<>]{0,4096})\2/gi;

/** Bytes of the longest document that is rewritten. Longer documents are passed on as they are. */
export const maxLinkedBytes: number = 1024 * 1024;

/** Whether the links of an answer are to be rewritten: HTML that is not compressed. */
export function hasLinks(headers: Readonly<Record<string, string | readonly string[]>>): boolean {
  const type = String(headers["content-type"] ?? "");
  const encoding = headers["content-encoding"];
  const isPlain = encoding === undefined || encoding === "identity";
  return /^text\/html\s*(;|$)/i.test(type) && isPlain && Number(headers["content-length"] ?? 0) <= maxLinkedBytes;
}

/** HTML whose links to absolute paths lead through the proxy. */
export function rewriteLinks(html: string, prefix: string): string {
  let text = html;
  // An element may have several such attributes; each pass finds the first that is left.
  for (let pass = 0; pass < 4; pass++) {
    const next = text.replace(linkAttributes, (all, head: string, quote: string, path: string) =>
      isBehind(path, prefix) ? all : `${head}${quote}${prefix}${path}${quote}`,
    );
    if (next === text) return text;
    text = next;
  }
  return text;
}

/** Where a redirect leads, through the proxy when it stays on the backend. */
export function rewriteLocation(
  location: string,
  { prefix, host }: { readonly prefix: string; readonly host: string },
): string {
  if (location.startsWith("/") && !location.startsWith("//"))
    return isBehind(location, prefix) ? location : `${prefix}${location}`;
  const url = URL.canParse(location) ? new URL(location) : undefined;
  if (url?.host !== host) return location;
  return `${prefix}${url.pathname}${url.search}${url.hash}`;
}

function isBehind(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
