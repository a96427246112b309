import { describe, expect, it } from "vitest";
import type { CommandEnv } from "../../commands/env.ts";
import { followNewPods, type LogSource, printAll } from "../../commands/streams/log_sources.ts";
import type { Pod } from "../../core/kinds/pod.ts";
import { deferred } from "../../core/util/deferred.ts";
import { FakeClock } from "../../core/util/fake_clock.ts";
import { answer, FakeWatch, fakeApi, type SeenRequest } from "../core/client/fake_api.ts";

function pod(name: string, restartCount = 0): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", uid: name },
    spec: { containers: [{ name: "main", image: "x" }] },
    status: { containerStatuses: [{ name: "main", restartCount, state: { running: {} } }] },
  } as unknown as Pod;
}

/** What is written, and a promise of the moment when it holds `text`. */
function recorder(stop = new AbortController()) {
  let written = "";
  const waiting: (() => void)[] = [];
  const env = {
    clock: new FakeClock(),
    signal: stop.signal,
    terminal: {
      async write(data: string | Uint8Array) {
        written += typeof data === "string" ? data : new TextDecoder().decode(data);
        for (const look of waiting) look();
      },
      warn() {},
    },
  } as unknown as CommandEnv;
  const has = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (written.includes(text)) resolve();
      };
      waiting.push(look);
      look();
    });
  return { env, stop, has, text: () => written };
}

const main = (one: Pod): LogSource => ({ pod: one, container: "main" });
const logOf = ({ path, query }: SeenRequest) =>
  answer(200, `${path.split("/").at(-2)} tail=${query.get("tailLines")}\nrest`);

describe("printAll()", () => {
  it("begins each line with its pod and container, a last one without an end too", async () => {
    const { client } = fakeApi(logOf);
    const { env, text } = recorder();
    const options = { client, env, query: { tailLines: 3 }, prefix: true, ignoreErrors: false, atOnce: false };
    await printAll([main(pod("a")), main(pod("b"))], options);
    expect(text()).toBe("[pod/a/main] a tail=3\n[pod/a/main] rest[pod/b/main] b tail=3\n[pod/b/main] rest");
  });
});

describe("followNewPods()", () => {
  it("prints the tail of pods that are there, and the whole of pods and runs that come later", async () => {
    const watching = deferred<FakeWatch>();
    const { client } = fakeApi((request, signal) => {
      if (request.path.endsWith("/log")) return logOf(request);
      if (request.query.get("watch") === null)
        return answer(200, {
          kind: "PodList",
          apiVersion: "v1",
          metadata: { resourceVersion: "1" },
          items: [pod("a")],
        });
      const watch = new FakeWatch(request.query, signal);
      watching.resolve(watch);
      return watch.response;
    });
    const { env, stop, has, text } = recorder();
    const options = { client, env, query: { follow: true, tailLines: 3 }, prefix: false, ignoreErrors: false };
    const choose = (one: Pod) => [main(one)];
    const done = followNewPods({ labelSelector: "app=a" }, { ...options, namespace: "default", choose });
    await has("a tail=3");
    const watch = await watching.promise;
    watch.send("MODIFIED", pod("a"));
    watch.send("ADDED", pod("b"));
    await has("b tail=null");
    watch.send("MODIFIED", pod("a", 1));
    await has("a tail=null");
    stop.abort(new DOMException("stop", "AbortError"));
    await done;
    expect(text().match(/tail=/g)).toHaveLength(3);
  });
});
