import type { Clock } from "../util/clock.ts";
import { type ApiRequest, type ApiResponse, passOn, readBody, type Transport } from "./transport.ts";

/** Options of {@linkcode loggingTransport}. */
export interface LoggingOptions {
  /** kubectl's levels: 6 requests and their status, 7 also their headers, 8 also the answer's headers and bodies cut short, 9 bodies whole. */
  readonly level: number;
  /** Where requests go, e.g. `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly write: (line: string) => void;
  readonly clock: Clock;
  readonly pid: number;
}

const maxShownBytes = 64 * 1024 * 1024;
const shortBodyLength = 1024;
/** Headers that hold secrets. */
const secretHeaders = /^(authorization|proxy-authorization|cookie|set-cookie)$/i;
/** Bodies that hold them: what a path with one of these words answers or is sent is not shown. */
const secretPaths = /\/(secrets|tokenreviews|serviceaccounts\/[^/]+\/token)(?:[/?]|$)/;

/** A transport that says what it sends and gets, in the form of kubectl's `-v`, credentials masked. */
export function loggingTransport(transport: Transport, options: LoggingOptions): Transport {
  const { level, clock, write } = options;
  const head = () => logHead(options);
  const url = (path: string) => `${options.server.replace(/\/+$/, "")}${path}`;
  const sent = (request: ApiRequest) => {
    if (level >= 8) write(`${head()} "Request Body" body=${bodyText(request.body, request.path, level)}`);
    if (level >= 7)
      write(
        `${head()} "Request" verb="${request.method}" url="${url(request.path)}" headers=${headerText(request.headers)}`,
      );
  };
  return {
    ...passOn(transport),
    async request(request, callOptions) {
      sent(request);
      const began = clock.monotonic();
      const response = await transport.request(request, callOptions);
      const took = Math.round(clock.monotonic() - began);
      const what = level >= 7 ? "" : ` verb="${request.method}" url="${url(request.path)}"`;
      const headers = level >= 8 ? ` headers=${headerText(response.headers)}` : "";
      write(`${head()} "Response"${what} status="${response.status}"${headers} milliseconds=${took}`);
      return level >= 8 && !isStream(request.path) ? await withBodyShown(response, request.path) : response;
    },
    async upgrade(request, callOptions) {
      sent(request);
      const stream = await transport.upgrade(request, callOptions);
      write(
        `${head()} "Response" verb="${request.method}" url="${url(request.path)}" status="101" protocol="${stream.protocol}"`,
      );
      return stream;
    },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };

  async function withBodyShown(response: ApiResponse, path: string): Promise<ApiResponse> {
    const body = await readBody(response.body, maxShownBytes);
    write(`${head()} "Response Body" body=${bodyText(body, path, level)}`);
    return { ...response, body };
  }
}

/** `I1126 18:17:23.956831   28567 wherry]`, as klog begins a line. */
function logHead({ clock, pid }: LoggingOptions): string {
  const time = new Date(clock.now()).toISOString();
  return `I${time.slice(5, 7)}${time.slice(8, 10)} ${time.slice(11, 23)}000 ${String(pid).padStart(7)} wherry]`;
}

function headerText(headers: ApiResponse["headers"]): string {
  const lines = Object.entries(headers)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => (typeof value === "string" ? [value] : value).map((one) => `\t${shown(name, one)}\n`));
  return `<\n${lines.join("")} >`;
}

function shown(name: string, value: string): string {
  const title = name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
  if (!secretHeaders.test(name)) return `${title}: ${value}`;
  const [scheme = "", ...rest] = value.split(" ");
  return `${title}: ${rest.length > 0 ? `${scheme} ` : ""}<masked>`;
}

function bodyText(body: ApiRequest["body"], path: string, level: number): string {
  if (body === undefined) return '""';
  if (!(body instanceof Uint8Array)) return '"<stream>"';
  if (secretPaths.test(path)) return `"<masked, ${body.length} bytes>"`;
  const text = new TextDecoder().decode(body);
  if (level >= 9) return `<\n\t${text.replace(/\n/g, "\n\t")}\n >`;
  const cut = text.slice(0, shortBodyLength);
  return `${JSON.stringify(cut)}${cut.length < text.length ? ` [truncated ${text.length - cut.length} chars]` : ""}`;
}

function isStream(path: string): boolean {
  return /[?&](watch|follow)=(true|1)(&|$)/.test(path) || /\/log(\?|$)/.test(path);
}
