import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { createClient } from "../../../core/client/create_client.ts";
import { readBody } from "../../../core/client/transport.ts";
import type { Pod } from "../../../core/kinds/pod.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { TokenCache } from "../../../node_daemon/kubelet/token_cache.ts";

const pod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { namespace: "web", name: "p", uid: "u1" },
  spec: { serviceAccountName: "builder", containers: [] },
};

/** A cache over an API that hands out tokens in turn. */
function openCache() {
  const clock = new FakeClock();
  const asked: { readonly path: string; readonly body: JsonObject }[] = [];
  const changed: string[] = [];
  let isUp = true;
  const client = createClient(
    {
      async request({ path, body }) {
        const document = JSON.parse(new TextDecoder().decode(await readBody(body)));
        asked.push({ path, body: document });
        const expirationTimestamp = new Date(clock.now() + document.spec.expirationSeconds * 1000).toISOString();
        const answer = isUp
          ? { ...document, status: { token: `token ${asked.length}`, expirationTimestamp } }
          : { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 403, reason: "Forbidden" };
        return { status: isUp ? 201 : 403, headers: {}, body: new TextEncoder().encode(JSON.stringify(answer)) };
      },
      upgrade: () => Promise.reject(new Error("not here")),
      async [Symbol.asyncDispose]() {},
    },
    { clock },
  );
  const cache = new TokenCache({ client, clock, onChange: (uid) => changed.push(uid) });
  return { cache, clock, asked, changed, setUp: (value: boolean) => (isUp = value) };
}

describe("TokenCache", () => {
  it("asks once for a token of the pod's account that is bound to the pod", async () => {
    const { cache, asked } = openCache();
    const wanted = { expirationSeconds: 3607 };
    expect(await Promise.all([cache.token(pod, wanted), cache.token(pod, wanted)])).toEqual(["token 1", "token 1"]);
    expect(asked).toMatchObject([
      {
        path: expect.stringMatching(/^\/api\/v1\/namespaces\/web\/serviceaccounts\/builder\/token/),
        body: { spec: { expirationSeconds: 3607, boundObjectRef: { kind: "Pod", name: "p", uid: "u1" } } },
      },
    ]);
    expect(await cache.token(pod, { audience: "vault", expirationSeconds: 600 })).toBe("token 2");
    cache[Symbol.dispose]();
  });

  it("fetches a token anew when most of its life is over, as long as the pod is there", async () => {
    const { cache, clock, changed } = openCache();
    const wanted = { expirationSeconds: 1000 };
    await cache.token(pod, wanted);
    await clock.advance(799_000);
    expect([await cache.token(pod, wanted), changed]).toEqual(["token 1", []]);
    await clock.advance(2_000);
    expect([changed, await cache.token(pod, wanted)]).toEqual([["u1"], "token 2"]);
    cache.release("u1");
    await clock.advance(10_000_000);
    expect(changed).toEqual(["u1"]);
  });

  it("asks again after a refusal", async () => {
    const { cache, setUp } = openCache();
    setUp(false);
    await expect(cache.token(pod, { expirationSeconds: 600 })).rejects.toThrow();
    setUp(true);
    expect(await cache.token(pod, { expirationSeconds: 600 })).toBe("token 2");
    cache[Symbol.dispose]();
  });
});
