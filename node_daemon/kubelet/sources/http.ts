import type { Pod } from "../../../core/kinds/pod.ts";
import { errorMessage } from "../../../core/util/log.ts";
import type { PodSource, SourceContext } from "./source.ts";
import { readStaticPods, withoutDuplicates } from "./static_pod.ts";

/** Options of {@linkcode httpSource}. */
export interface HttpSourceOptions {
  readonly url: string;
  /** Sent with every request. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Milliseconds between two requests. */
  readonly checkMs: number;
}

const timeoutMs = 10_000;
const maxBytes = 10 * 1024 * 1024;

/**
 * The pods of a manifest that a web server has: asked for at intervals, with its ETag, so that it is sent only when it has
 * changed. While it cannot be had, the last pods stay.
 */
export function httpSource({ url, headers, checkMs }: HttpSourceOptions): PodSource {
  return {
    async follow(context) {
      let known: Answer | undefined;
      let failing: string | undefined;
      for (;;) {
        try {
          known = (await ask({ url, headers, known }, context)) ?? known;
          failing = undefined;
        } catch (error) {
          context.signal.throwIfAborted();
          const problem = errorMessage(error);
          if (problem !== failing)
            context.log.warn("Cannot read a manifest", { url: withoutSecrets(url), error: problem });
          failing = problem;
        }
        await context.clock.sleep(checkMs, { signal: context.signal });
      }
    },
  };
}

/** What is remembered of an answer. */
interface Answer {
  readonly etag: string | null;
  /** Uids of pods of a name that another has. */
  readonly duplicates: ReadonlySet<string>;
}

/** Asks once; undefined when nothing has changed. */
async function ask(
  { url, headers, known }: Pick<HttpSourceOptions, "url" | "headers"> & { readonly known: Answer | undefined },
  { nodeName, onPods, onDuplicate, clock, signal }: SourceContext,
): Promise<Answer | undefined> {
  const controller = new AbortController();
  const cancel = clock.schedule(timeoutMs, () => controller.abort(new Error("the server does not answer")));
  const stop = () => controller.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const asked = new Headers([...headers].map(([name, value]): [string, string] => [name, value]));
    if (known?.etag) asked.set("if-none-match", known.etag);
    const response = await fetch(url, { headers: asked, signal: controller.signal });
    if (response.status === 304) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`the server answers ${response.status}`);
    }
    const text = await readText(response);
    if (text.trim() === "") throw new Error("the answer is empty");
    const pods = readStaticPods(text, { source: "http", from: withoutSecrets(url), nodeName });
    const duplicates = new Set<string>();
    const once = (pod: Pod) => {
      const { uid = "" } = pod.metadata;
      if (!known?.duplicates.has(uid) && !duplicates.has(uid)) onDuplicate(pod);
      duplicates.add(uid);
    };
    onPods(withoutDuplicates(pods, once));
    return { etag: response.headers.get("etag"), duplicates };
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, size] = ["", 0];
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** An address without user, password and query. */
function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
