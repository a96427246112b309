import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { openApi, podObject, type TestApi } from "./_api.ts";

const pods = "/api/v1/namespaces/default/pods";
const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
const merge = { "content-type": "application/merge-patch+json" };

interface PodState {
  phase?: "Pending" | "Running" | "Succeeded";
  ready?: boolean;
}

async function makePod(api: TestApi, name: string, { phase = "Running", ready = true }: PodState = {}): Promise<void> {
  const made = podObject(name);
  // A finalizer keeps it, so that what the eviction wrote can be read.
  const metadata = { ...(made["metadata"] as JsonObject), labels: { app: "web" }, finalizers: ["example.com/keep"] };
  await api.create(pods, { ...made, metadata });
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  await api.call("PATCH", `${pods}/${name}/status`, { status: { phase, conditions } }, merge);
}

async function makeBudget(
  api: TestApi,
  status: JsonObject,
  { name = "guard", spec = {} as JsonObject } = {},
): Promise<void> {
  await api.create(budgets, {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name },
    spec: { selector: { matchLabels: { app: "web" } }, minAvailable: 2, ...spec },
  });
  await api.call("PATCH", `${budgets}/${name}/status`, { status: { observedGeneration: 1, ...status } }, merge);
}

const counts = (disruptionsAllowed: number, currentHealthy = 3, desiredHealthy = 2): JsonObject => ({
  disruptionsAllowed,
  currentHealthy,
  desiredHealthy,
  expectedPods: 3,
});

const evict = (api: TestApi, name: string, deleteOptions: JsonObject = {}) =>
  api.create(`${pods}/${name}/eviction`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name },
    deleteOptions,
  });

const isGoing = async (api: TestApi, name: string) =>
  (await api.call("GET", `${pods}/${name}`)).json.metadata.deletionTimestamp !== undefined;

describe("eviction", () => {
  it("takes from the budget what it allows, says so on the pod, and refuses the rest", async () => {
    const api = await openApi();
    await makeBudget(api, counts(1));
    await makePod(api, "a");
    await makePod(api, "b");
    expect((await evict(api, "a")).status).toBe(201);
    const { metadata, status } = (await api.call("GET", `${pods}/a`)).json;
    expect(metadata.deletionTimestamp).toBeDefined();
    const target = { type: "DisruptionTarget", status: "True", observedGeneration: 1, reason: "EvictionByEvictionAPI" };
    expect(status.conditions).toContainEqual(expect.objectContaining(target));
    const budget = (await api.call("GET", `${budgets}/guard`)).json.status;
    expect([budget.disruptionsAllowed, Object.keys(budget.disruptedPods)]).toEqual([0, ["a"]]);
    const refused = await evict(api, "b");
    expect(refused.json).toMatchObject({
      code: 429,
      reason: "TooManyRequests",
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: "DisruptionBudget",
            message: "The disruption budget guard needs 2 healthy pods and has 3 currently",
          },
        ],
      },
    });
    expect(await isGoing(api, "b")).toBe(false);
  });

  it("of many at once lets exactly as many pass as are allowed", async () => {
    const api = await openApi();
    await makeBudget(api, counts(3, 10));
    const names = Array.from({ length: 10 }, (_, index) => `p${index}`);
    for (const name of names) await makePod(api, name);
    const answers = await Promise.all(names.map((name) => evict(api, name)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, ...Array(7).fill(429)]);
  });

  it("waits until somebody has looked at a budget that is new", async () => {
    const api = await openApi();
    await makeBudget(api, { ...counts(1), observedGeneration: 0 });
    await makePod(api, "a");
    const refused = await evict(api, "a");
    expect(refused.status).toBe(429);
    expect(refused.json.details).toEqual({
      retryAfterSeconds: 10,
      causes: [
        { reason: "DisruptionBudget", message: "The disruption budget guard is still being processed by the server." },
      ],
    });
  });

  it("says why a budget could not be reckoned", async () => {
    const api = await openApi();
    const conditions = [{ type: "DisruptionAllowed", status: "False", reason: "SyncFailed", message: "no owner" }];
    await makeBudget(api, { ...counts(0), conditions });
    await makePod(api, "a");
    expect((await evict(api, "a")).json.details.causes[0].message).toBe(
      "The disruption budget guard does not allow evicting pods currently because it failed sync: no owner",
    );
  });

  it.each<[string, PodState, JsonObject, JsonObject, number]>([
    ["a pod that has ended needs no budget", { phase: "Succeeded", ready: false }, counts(0), {}, 201],
    ["nor does one that never ran", { phase: "Pending", ready: false }, counts(0), {}, 201],
    ["one that is not ready costs nothing, while enough are", { ready: false }, counts(0, 2, 2), {}, 201],
    ["but is refused while too few are", { ready: false }, counts(0, 1, 2), {}, 429],
    ["unless it may always go", { ready: false }, counts(0, 1, 2), { unhealthyPodEvictionPolicy: "AlwaysAllow" }, 201],
    ["a budget for others guards nothing", {}, counts(0), { selector: { matchLabels: { app: "other" } } }, 201],
    ["an empty selector guards all", {}, counts(0), { selector: {} }, 429],
  ])("%s", async (_, state, status, spec, expected) => {
    const api = await openApi();
    await makeBudget(api, status, { spec });
    await makePod(api, "a", state);
    expect((await evict(api, "a")).status).toBe(expected);
    expect(await isGoing(api, "a")).toBe(expected === 201);
    const after = (await api.call("GET", `${budgets}/guard`)).json.status;
    expect(after.disruptedPods).toBeUndefined();
  });

  it("does not know what to do about two budgets", async () => {
    const api = await openApi();
    await makeBudget(api, counts(1));
    await makeBudget(api, counts(1), { name: "other" });
    await makePod(api, "a");
    const refused = await evict(api, "a");
    expect(refused.json).toMatchObject({
      code: 500,
      message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
    });
  });

  it("changes nothing in a dry run, and keeps to the version that it was told", async () => {
    const api = await openApi();
    await makeBudget(api, counts(1));
    await makePod(api, "a");
    expect((await evict(api, "a", { dryRun: ["All"] })).status).toBe(201);
    expect((await evict(api, "a", { preconditions: { resourceVersion: "1" } })).status).toBe(409);
    expect(await isGoing(api, "a")).toBe(false);
    expect((await evict(api, "missing")).status).toBe(404);
  });
});
