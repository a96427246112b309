import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openKubeconfigWebhook } from "../../../core/client/kubeconfig_webhook.ts";
import type { UserInfo } from "../../../core/client/transport.ts";
import { systemClock } from "../../../core/platform/clock.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import type { Attributes } from "../../../master_daemon/authorization/authorizer.ts";
import type { WebhookConfiguration } from "../../../master_daemon/authorization/configuration.ts";
import { authorizersOf } from "../../../master_daemon/authorization/mod.ts";
import { webhookAuthorizer } from "../../../master_daemon/authorization/webhook.ts";
import { openMaster } from "../../security/_master.ts";
import { kubeconfigOf, writeTemporary } from "../_kubeconfig.ts";
import { type Respond, startWebhook } from "../admission/_webhooks.ts";

const jane: UserInfo = { username: "jane", groups: ["dev"], extra: { "example.org/a": ["b"] } };
const listPods: Attributes = {
  type: "resource",
  verb: "list",
  group: "",
  version: "v1",
  resource: "pods",
  subresource: undefined,
  namespace: "kittens",
  name: undefined,
  fieldSelector: "spec.nodeName=n1",
  labelSelector: "app in (a,b),!old",
};

/** An authorizer that asks a server of the test. */
async function open(respond: Respond, options: Partial<WebhookConfiguration> = {}) {
  const server = await startWebhook(respond);
  const clock = new FakeClock();
  // Real time between tries: there are none that wait.
  const webhook = await openKubeconfigWebhook({
    path: kubeconfigOf(server),
    clock: systemClock,
    random: seededRandom(1),
    initialBackoffMs: 1,
  });
  const authorizer = webhookAuthorizer({
    authorizedTtlMs: 300_000,
    unauthorizedTtlMs: 30_000,
    subjectAccessReviewVersion: "v1",
    failurePolicy: "NoOpinion",
    ...options,
    webhook,
    clock,
    log: silentLogger,
  });
  return { server, clock, authorizer };
}

const answering =
  (status: JsonObject): Respond =>
  () => ({ raw: { kind: "SubjectAccessReview", status } });

describe("webhookAuthorizer()", () => {
  it("sends who wants what, with selectors, as the cluster's kubeconfig says", async () => {
    const { server, authorizer } = await open(answering({ allowed: true, reason: "friend" }));
    expect(await authorizer.authorize(jane, listPods)).toEqual({ allowed: true, reason: "friend" });
    expect(server.paths).toEqual(["/hook?timeout=30s"]);
    expect(server.reviews[0]).toMatchObject({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: "jane",
        groups: ["dev"],
        extra: { "example.org/a": ["b"] },
        resourceAttributes: {
          verb: "list",
          version: "v1",
          resource: "pods",
          namespace: "kittens",
          fieldSelector: { requirements: [{ key: "spec.nodeName", operator: "In", values: ["n1"] }] },
          labelSelector: {
            requirements: [
              { key: "app", operator: "In", values: ["a", "b"] },
              { key: "old", operator: "DoesNotExist" },
            ],
          },
        },
      },
    });
  });

  it("speaks the older version, which spells groups otherwise", async () => {
    const { server, authorizer } = await open(answering({ allowed: true }), { subjectAccessReviewVersion: "v1beta1" });
    await authorizer.authorize(jane, { type: "path", verb: "get", path: "/metrics" });
    expect(server.reviews[0]).toMatchObject({
      apiVersion: "authorization.k8s.io/v1beta1",
      spec: { group: ["dev"], nonResourceAttributes: { verb: "get", path: "/metrics" } },
    });
    expect(server.reviews[0].spec).not.toHaveProperty("groups");
  });

  it.each([
    [
      { allowed: false, reason: "no" },
      { allowed: false, reason: "no" },
    ],
    [
      { allowed: false, denied: true, reason: "never" },
      { allowed: false, denied: true, reason: "never" },
    ],
    [
      { allowed: true, denied: true },
      { allowed: false, denied: true, error: expect.stringContaining("both allow") },
    ],
    [{}, { allowed: false }],
    [{ allowed: "yes" }, { allowed: false }],
  ] as const)("takes %j for what it is", async (status, decision) => {
    const { authorizer } = await open(answering(status));
    expect(await authorizer.authorize(jane, listPods)).toEqual(decision);
  });

  it("remembers answers for as long as it may, and no longer", async () => {
    let allowed = true;
    const { server, clock, authorizer } = await open(() => ({ raw: { status: { allowed } } }));
    const ask = async () => (await authorizer.authorize(jane, listPods)).allowed;
    expect([await ask(), await ask(), server.reviews.length]).toEqual([true, true, 1]);
    allowed = false;
    await clock.advance(299_000);
    expect(await ask()).toBe(true);
    await clock.advance(2000);
    expect([await ask(), await ask(), server.reviews.length]).toEqual([false, false, 2]);
    allowed = true;
    await clock.advance(31_000);
    expect([await ask(), server.reviews.length]).toEqual([true, 3]);
  });

  it("does not remember questions that are large enough to fill the memory", async () => {
    const { server, authorizer } = await open(answering({ allowed: true }));
    for (let count = 0; count < 2; count++) await authorizer.authorize(jane, { ...listPods, name: "x".repeat(20_000) });
    expect(server.reviews).toHaveLength(2);
  });

  it("asks again when the server is only for the moment of no use, and gives up on what will not change", async () => {
    let asked = 0;
    const flaky = await open(() =>
      ++asked < 3 ? { raw: "busy", status: 500 } : { raw: { status: { allowed: true } } },
    );
    expect((await flaky.authorizer.authorize(jane, listPods)).allowed).toBe(true);
    const wrong = await open(() => ({ raw: "no", status: 403 }));
    expect(await wrong.authorizer.authorize(jane, listPods)).toMatchObject({
      allowed: false,
      error: expect.any(String),
    });
    expect(wrong.server.reviews).toHaveLength(1);
    const strict = await open(() => ({ raw: "{" }), { failurePolicy: "Deny" });
    expect(await strict.authorizer.authorize(jane, listPods)).toMatchObject({ allowed: false, denied: true });
  });
});

const configuration = (...authorizers: readonly JsonObject[]): string =>
  JSON.stringify({ apiVersion: "apiserver.config.k8s.io/v1", kind: "AuthorizationConfiguration", authorizers });

const webhookOf = (kubeConfigFile: string, more: JsonObject = {}): JsonObject => ({
  timeout: "3s",
  subjectAccessReviewVersion: "v1",
  failurePolicy: "Deny",
  connectionInfo: { type: "KubeConfigFile", kubeConfigFile },
  ...more,
});

describe("--authorization-config", () => {
  const known = { isKnown: false, headers: { authorization: "Bearer janes-token" } } as const;
  const tokens = new Map([["janes-token", { username: "jane", groups: [] }]]);

  it("asks a chain of webhooks and others in order, each about what its conditions name", async () => {
    const first = await startWebhook((review) => ({
      raw: { status: { allowed: false, denied: review.spec.resourceAttributes.name === "secret", reason: "first" } },
    }));
    const second = await startWebhook(() => ({ raw: { status: { allowed: true } } }));
    const file = configuration(
      {
        type: "Webhook",
        name: "first",
        webhook: webhookOf(kubeconfigOf(first), {
          matchConditionSubjectAccessReviewVersion: "v1",
          matchConditions: [
            { expression: "has(request.resourceAttributes)" },
            { expression: "request.resourceAttributes.namespace == 'kittens'" },
            { expression: "!('system:serviceaccounts:kube-system' in request.groups)" },
          ],
        }),
      },
      { type: "RBAC", name: "rbac" },
      { type: "Webhook", name: "second", webhook: webhookOf(kubeconfigOf(second)) },
    );
    const target = await openMaster({
      tokens,
      authorization: { configFile: writeTemporary("authorization.yaml", file) },
    });
    const get = async (path: string) => (await target.ask("GET", path, known)).status;
    expect(await get("/api/v1/namespaces/kittens/configmaps/secret")).toBe(403);
    expect(second.reviews).toHaveLength(0);
    expect(await get("/api/v1/namespaces/kittens/configmaps/other")).toBe(404);
    expect([first.reviews.length, second.reviews.length]).toEqual([2, 1]);
    expect(await get("/api/v1/namespaces/default/configmaps/secret")).toBe(404);
    expect([first.reviews.length, second.reviews.length]).toEqual([2, 2]);
  });

  it("answers that something went wrong where nobody can tell who may", async () => {
    const target = await openMaster({
      tokens,
      authorization: {
        configFile: writeTemporary(
          "authorization.yaml",
          configuration({
            type: "Webhook",
            name: "gone",
            webhook: webhookOf(kubeconfigOf({ url: "https://127.0.0.1:1/", caBundle: "" }), {
              failurePolicy: "NoOpinion",
            }),
          }),
        ),
      },
    });
    const answer = await target.ask("GET", "/api/v1/namespaces/default/configmaps", known);
    expect(answer.json).toMatchObject({ code: 500, reason: "InternalError" });
    expect(answer.json.message).toContain("127.0.0.1:1");
  });

  const refused: readonly (readonly [JsonObject, string])[] = [
    [{ type: "Node" }, "authorizers[0].name: Required value"],
    [{ type: "Nod", name: "a" }, 'authorizers[0].type: Unsupported value: "Nod"'],
    [{ type: "Webhook", name: "a" }, "authorizers[0].webhook: Required value: required when type=Webhook"],
    [{ type: "RBAC", name: "A b" }, "authorizer name is invalid"],
    [{ type: "RBAC", name: "a", extra: 1 }, 'unknown field "authorizers[0].extra"'],
    [
      { type: "Webhook", name: "a", webhook: webhookOf("/x", { timeout: "31s" }) },
      'webhook.timeout: Invalid value: "31s": must be > 0s and <= 30s',
    ],
    [
      { type: "Webhook", name: "a", webhook: webhookOf("x") },
      'connectionInfo.kubeConfigFile: Invalid value: "x": must be an absolute path',
    ],
    [
      { type: "Webhook", name: "a", webhook: webhookOf("/x", { failurePolicy: "Allow" }) },
      'failurePolicy: Unsupported value: "Allow"',
    ],
    [
      {
        type: "Webhook",
        name: "a",
        webhook: webhookOf("/x", {
          matchConditionSubjectAccessReviewVersion: "v1",
          matchConditions: [{ expression: "request.nothing" }, { expression: "1" }],
        }),
      },
      "undefined field 'nothing'",
    ],
  ];
  it.each(refused)("refuses %j", async (authorizer, message) => {
    const configFile = writeTemporary("authorization.yaml", configuration(authorizer));
    await expect(authorizersOf({ configFile })).rejects.toThrow(message);
  });

  it("is not to be had with the flags that it stands in for", async () => {
    await expect(authorizersOf({ configFile: "/x", modes: ["RBAC"] })).rejects.toThrow("can not be specified when");
  });
});
