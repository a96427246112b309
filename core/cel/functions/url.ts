import { parseAddress } from "../../kinds/addresses.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { bool, type CelType, listOf, mapOf, opaque, string } from "../types.ts";
import { LiteralMap, Opaque } from "../values.ts";

/** The parts of a URL, as Go's net/url reads them. */
interface Parts {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

class UrlValue extends Opaque {
  override readonly typeName = "kubernetes.URL";
  readonly parts: Parts;
  readonly text: string;
  constructor(text: string, parts: Parts) {
    super();
    this.text = text;
    this.parts = parts;
  }
  equals(other: Opaque): boolean {
    return other instanceof UrlValue && other.text === this.text;
  }
}

const urlType: CelType = opaque("kubernetes.URL");

/**
 * Why a text is no URL with a scheme or absolute path, in Go's words; its parts when it is one.
 *
 * @see https://pkg.go.dev/net/url#ParseRequestURI
 */
export function parseUrl(text: string): Parts | string {
  const shown = JSON.stringify(text.slice(0, 256));
  if (text === "") return 'parse "": empty url';
  if (/[\u0000-\u001f\u007f]/.test(text)) return `parse ${shown}: net/url: invalid control character in URL`;
  const colon = /^([A-Za-z][-A-Za-z0-9+.]*):/.exec(text);
  const rest = colon ? text.slice(colon[0].length) : text;
  if (!colon && !text.startsWith("/")) return `parse ${shown}: invalid URI for request`;
  // `mailto:x` has no path of its own; Go refuses it as a request.
  if (colon && !rest.startsWith("/")) return `parse ${shown}: invalid URI for request`;
  const mark = rest.indexOf("?");
  const query = mark < 0 ? "" : rest.slice(mark + 1);
  const beforeQuery = mark < 0 ? rest : rest.slice(0, mark);
  const hasHost = beforeQuery.startsWith("//") && (colon !== null || !beforeQuery.startsWith("///"));
  const slash = hasHost ? beforeQuery.indexOf("/", 2) : 0;
  const authority = hasHost ? beforeQuery.slice(2, slash < 0 ? undefined : slash) : "";
  const path = slash < 0 ? "" : beforeQuery.slice(slash);
  const badEscape = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(path + authority);
  if (badEscape) return `parse ${shown}: invalid URL escape ${JSON.stringify(badEscape[0])}`;
  const host = authority.slice(authority.lastIndexOf("@") + 1);
  const problem = hostProblem(host);
  return problem
    ? `parse ${shown}: ${problem}`
    : { scheme: (colon?.[1] ?? "").toLowerCase(), host, path: escapePath(path), query };
}

function hostProblem(host: string): string | undefined {
  const port = /^(?:\[([^\]]*)\]|[^:[\]]*)(:.*)?$/s.exec(host);
  if (!port) return host.startsWith("[") ? "missing ']' in host" : `invalid character in host name`;
  const bracketed = port[1];
  if (bracketed !== undefined && !parseAddress(bracketed.replace(/%25.*$/s, ""))) return "invalid host";
  if (port[2] !== undefined && !/^:\d*$/.test(port[2])) return `invalid port ${JSON.stringify(port[2])} after host`;
  const bad = /[\s"<>\\^`{|}]/.exec(host);
  return bad ? `invalid character ${JSON.stringify(bad[0])} in host name` : undefined;
}

/** Characters that a path may not have as they are become escapes; those that are escaped stay. */
function escapePath(path: string): string {
  return path.replace(/[^-A-Za-z0-9_.~$&+,/:;=@!'()*%[\]]/gu, (char) =>
    Array.from(new TextEncoder().encode(char), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(
      "",
    ),
  );
}

function hostname(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  return bracketed ? (bracketed[1] ?? "") : host.replace(/:\d*$/, "");
}

function queryOf(query: string): LiteralMap {
  const values = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";")) continue;
    const [key = "", value = ""] = splitOnce(pair, "=").map(decodeQuery);
    if (key === undefined || value === undefined) continue;
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  const map = new LiteralMap();
  for (const [key, list] of values) map.add(key, list);
  return map;
}

function splitOnce(text: string, by: string): readonly string[] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decodeQuery(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

const get = (name: string, read: (parts: Parts) => string): FunctionSet => ({
  name,
  member: [overload([urlType], string, ([value]) => read((value as UrlValue).parts))],
});

/** Functions of URLs. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library */
export const urlFunctions: readonly FunctionSet[] = [
  {
    name: "url",
    global: [
      overload([string], urlType, ([text], budget) => {
        budget.traverse((text as string).length);
        const parts = parseUrl(text as string);
        if (typeof parts === "string") throw new CelError(`URL parse error during conversion from string: ${parts}`);
        return new UrlValue(text as string, parts);
      }),
    ],
  },
  {
    name: "isURL",
    global: [
      overload([string], bool, ([text], budget) => {
        budget.traverse((text as string).length);
        return typeof parseUrl(text as string) !== "string";
      }),
    ],
  },
  get("getScheme", ({ scheme }) => scheme),
  get("getHost", ({ host }) => host),
  get("getHostname", ({ host }) => hostname(host)),
  get("getPort", ({ host }) => /:(\d*)$/.exec(host.replace(/^\[[^\]]*\]/, ""))?.[1] ?? ""),
  get("getEscapedPath", ({ path }) => path),
  {
    name: "getQuery",
    member: [overload([urlType], mapOf(string, listOf(string)), ([value]) => queryOf((value as UrlValue).parts.query))],
  },
];
