import { describe, expect, it } from "vitest";
import { openKubeconfigWebhook } from "../../../core/client/kubeconfig_webhook.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { reviewToken } from "../../../master_daemon/authentication/authenticator.ts";
import { webhookTokenAuthenticator } from "../../../master_daemon/authentication/webhook_token.ts";
import { openMaster } from "../../security/_master.ts";
import { kubeconfigOf } from "../_kubeconfig.ts";
import { type Respond, startWebhook } from "../admission/_webhooks.ts";

const carol = { username: "carol", uid: "7", groups: ["dev"], extra: { "example.com/a": ["b"] } };

/** What is known of a token that a server of the test is asked about. */
async function open(respond: Respond) {
  const server = await startWebhook(respond);
  const clock = new FakeClock();
  const webhook = await openKubeconfigWebhook({
    path: kubeconfigOf(server),
    clock: systemClock,
    random: seededRandom(1),
    initialBackoffMs: 1,
  });
  const options = { webhook, version: "v1" as const, cacheTtlMs: 120_000, clock, log: silentLogger };
  const authenticators = [webhookTokenAuthenticator(options)];
  const review = (token: string, wanted: readonly string[] = ["api"]) =>
    reviewToken({ authenticators, audiences: ["api"], wanted }, token);
  return { server, clock, review };
}

describe("webhookTokenAuthenticator()", () => {
  it("believes what the server says of a token", async () => {
    const { server, review } = await open(() => ({ raw: { status: { authenticated: true, user: carol } } }));
    expect(await review("t1")).toEqual({
      user: { ...carol, groups: ["dev", "system:authenticated"] },
      audiences: ["api"],
    });
    expect(server.reviews).toMatchObject([
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token: "t1", audiences: ["api"] } },
    ]);
  });

  it("believes it for the audiences only that it names", async () => {
    const { review } = await open(() => ({
      raw: { status: { authenticated: true, user: carol, audiences: ["vault", "api"] } },
    }));
    expect((await review("t", ["vault", "other"])).audiences).toEqual(["vault"]);
    expect((await review("t", ["other"])).user).toBeUndefined();
  });

  it.each([
    [{ authenticated: false }, "invalid bearer token"],
    [{ authenticated: false, error: "has ended" }, "[invalid bearer token, has ended]"],
    [{ authenticated: true }, "invalid bearer token"],
    [{ authenticated: true, user: { groups: ["system:masters"] } }, "invalid bearer token"],
    [{ authenticated: "true", user: carol }, "invalid bearer token"],
  ])("knows nobody by %j", async (status, error) => {
    const { review } = await open(() => ({ raw: { status } }));
    expect(await review("t")).toEqual({ audiences: [], error });
  });

  it("asks once for many at the same time, and again when the answer is old", async () => {
    let authenticated = true;
    const { server, clock, review } = await open(() => ({ raw: { status: { authenticated, user: carol } } }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => review("t")));
    expect(answers.every(({ user }) => user?.username === "carol")).toBe(true);
    expect(server.reviews).toHaveLength(1);
    authenticated = false;
    await clock.advance(119_000);
    expect((await review("t")).user?.username).toBe("carol");
    await clock.advance(2000);
    expect((await review("t")).user).toBeUndefined();
    expect(server.reviews).toHaveLength(2);
  });

  it("does not remember that the server was gone", async () => {
    let works = false;
    const { review } = await open(() =>
      works ? { raw: { status: { authenticated: true, user: carol } } } : { raw: "", status: 503 },
    );
    expect((await review("t")).user).toBeUndefined();
    works = true;
    expect((await review("t")).user?.username).toBe("carol");
  });

  it("tells a master who sends a request, and refuses whom it does not know", async () => {
    const server = await startWebhook((review) => ({
      raw: { status: review.spec.token === "good" ? { authenticated: true, user: carol } : { authenticated: false } },
    }));
    const target = await openMaster({
      authentication: { tokenWebhook: { configFile: kubeconfigOf(server), version: "v1beta1", cacheTtlMs: 1000 } },
    });
    const ask = (token: string) =>
      target.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
        body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" },
        isKnown: false,
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await ask("good")).json.status.userInfo).toMatchObject({ username: "carol", uid: "7" });
    expect((await ask("bad")).status).toBe(401);
    expect(server.reviews[0].apiVersion).toBe("authentication.k8s.io/v1beta1");
  });
});
