import type { Pod } from "../../core/kinds/pod.ts";
import type { DataSource, ObjectData } from "./environment.ts";

/** A name and password for a registry. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
}

/** A login, and the images that it is for. */
interface Entry {
  /** `registry.example.com:5000`, `*.example.com/team`; lower case. */
  readonly pattern: string;
  readonly login: RegistryLogin;
}

const hubHosts: ReadonlySet<string> = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);
const decoder = new TextDecoder();

/**
 * What to log in with for an image, from the Secrets that the pod names: the entry that says most about where the image
 * lies comes first. Secrets that cannot be read give nothing; those that are not there are named.
 *
 * @see https://kubernetes.io/docs/concepts/containers/images/#config-json
 */
export async function loginsFor(
  image: string,
  pod: Pod,
  data: Pick<DataSource, "secret">,
): Promise<{ readonly logins: readonly RegistryLogin[]; readonly missing: readonly string[] }> {
  const { namespace = "default" } = pod.metadata;
  const entries: Entry[] = [];
  const missing: string[] = [];
  for (const { name = "" } of pod.spec.imagePullSecrets ?? []) {
    const secret = name === "" ? undefined : await data.secret(namespace, name);
    if (secret) entries.push(...entriesOf(secret));
    else if (name !== "") missing.push(name);
  }
  const place = placeOf(image);
  const logins = entries
    .filter(({ pattern }) => matches(pattern, place))
    .sort((a, b) => b.pattern.length - a.pattern.length)
    .map(({ login }) => login);
  return { logins, missing };
}

/** Where an image lies, without tag or digest: `registry.example.com/team/app`. */
function placeOf(image: string): string {
  const name = image.replace(/@sha256:.*$/, "").replace(/:[^:/]*$/, "");
  const [first = "", ...rest] = name.split("/");
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const host = named ? first : "docker.io";
  const path = named ? rest.join("/") : name;
  return `${hubHosts.has(host) ? "docker.io" : host.toLowerCase()}/${path}`;
}

function matches(pattern: string, place: string): boolean {
  const [host = "", ...path] = pattern.split("/");
  const [placeHost = "", ...placePath] = place.split("/");
  return sameHost(host, placeHost) && path.every((part, index) => part === placePath[index]);
}

/** Hosts label by label, where `*` stands for one of them; a port has to be the same. */
function sameHost(pattern: string, host: string): boolean {
  const [patternName = "", patternPort] = pattern.split(":");
  const [name = "", port] = host.split(":");
  if (patternPort !== port) return false;
  const wanted = patternName.split(".");
  const labels = name.split(".");
  return wanted.length === labels.length && wanted.every((label, index) => globMatches(label, labels[index] ?? ""));
}

/** Text against a pattern in which every `*` stands for any text. Linear in both. */
function globMatches(pattern: string, text: string): boolean {
  const [head = "", ...rest] = pattern.split("*");
  const tail = rest.pop();
  if (tail === undefined) return pattern === text;
  if (!text.startsWith(head) || text.length < head.length + tail.length || !text.endsWith(tail)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - tail.length;
}

/** The logins of a Secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg. */
function entriesOf({ entries }: ObjectData): readonly Entry[] {
  const json = parse(entries.get(".dockerconfigjson"));
  const logins = json === undefined ? parse(entries.get(".dockercfg")) : json["auths"];
  return Object.entries(record(logins) ?? {}).flatMap(([server, value]) => {
    const login = loginOf(record(value) ?? {});
    return login ? [{ pattern: patternOf(server), login }] : [];
  });
}

/** A server as the file of a registry client names it: with or without scheme and version of the protocol. */
function patternOf(server: string): string {
  const [host = "", ...path] = server.replace(/^https?:\/\//, "").split("/");
  const place = path.filter((part, index) => part !== "" && !(index === 0 && /^v[12]$/.test(part)));
  return [hubHosts.has(host) ? "docker.io" : host.toLowerCase(), ...place].join("/");
}

function loginOf({ username, password, auth }: Readonly<Record<string, unknown>>): RegistryLogin | undefined {
  if (typeof username === "string" && username !== "" && typeof password === "string") return { username, password };
  if (typeof auth !== "string") return undefined;
  try {
    const text = decoder.decode(Uint8Array.from(atob(auth), (character) => character.charCodeAt(0)));
    const colon = text.indexOf(":");
    return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
  } catch {
    return undefined; // Not base64: somebody else's mistake is no login.
  }
}

function parse(bytes: Uint8Array | undefined): Readonly<Record<string, unknown>> | undefined {
  if (!bytes) return undefined;
  try {
    return record(JSON.parse(decoder.decode(bytes)));
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
