/** Variables that say through which proxy the network is reached; each also in lower case, which is read second. */
export type ProxyVariables = (name: string) => string | undefined;

/**
 * The proxy for a URL that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); undefined for none. This machine is
 * reached without.
 *
 * @throws TypeError when the variable holds no URL of a proxy
 * @see golang.org/x/net/http/httpproxy
 */
export function proxyOf(url: URL, variable: ProxyVariables): URL | undefined {
  const read = (name: string) => variable(name) || variable(name.toLowerCase()) || "";
  const text = read(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, "");
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  if (text === "" || isLoopback(host) || isExcluded(host, port, read("NO_PROXY"))) return undefined;
  return proxyUrl(text);
}

/** A proxy's address; `host:port` means http. @throws TypeError for what is none */
export function proxyUrl(text: string): URL {
  const whole = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(whole)) throw new TypeError(`invalid proxy URL "${withoutPassword(text)}"`);
  const url = new URL(whole);
  if (!/^(https?|socks5h?):$/.test(url.protocol))
    throw new TypeError(`unsupported scheme "${url.protocol.slice(0, -1)}", must be http, https, or socks5`);
  return url;
}

function withoutPassword(text: string): string {
  return text.replace(/\/\/[^@/]*@/, "//");
}

/** Whether a host, without brackets, is this machine by its own word. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function isExcluded(host: string, port: string, list: string): boolean {
  return list.split(",").some((text) => {
    const rule = text.trim().toLowerCase();
    if (rule === "") return false;
    if (rule === "*") return true;
    if (rule.includes("/")) return inRange(host, rule);
    const [, name = "", ruled] = /^(.*?)(?::(\d+))?$/.exec(rule.replace(/^\[(.*)\]/, "$1")) ?? [];
    if (ruled !== undefined && ruled !== port) return false;
    const domain = name.replace(/^\*?\./, "");
    // `.example.com` is what is below it, `example.com` also itself.
    return (host === domain && name === domain) || host.endsWith(`.${domain}`);
  });
}

/** IPv4 only: ranges of IPv6 in NO_PROXY are written by nobody who reaches a cluster by name. */
function inRange(host: string, range: string): boolean {
  const [network = "", bits = ""] = range.split("/");
  const address = ipv4(host);
  const base = ipv4(network);
  if (address === undefined || base === undefined || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return false;
  const size = 2 ** (32 - Number(bits));
  return Math.floor(address / size) === Math.floor(base / size);
}

function ipv4(text: string): number | undefined {
  const parts = text.split(".").map(Number);
  if (parts.length !== 4 || parts.some((part) => !(Number.isInteger(part) && part >= 0 && part <= 255)))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
