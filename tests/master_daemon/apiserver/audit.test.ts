import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import type { JsonObject } from "../../../core/api/meta.ts";
import { joinPath, temporaryFolder } from "../../../core/platform/files.ts";
import { seededRandom } from "../../../core/platform/random.ts";
import { FakeClock } from "../../../core/util/fake_clock.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { openLogFile } from "../../../master_daemon/apiserver/audit/log_file.ts";
import { type Auditor, openAudit } from "../../../master_daemon/apiserver/audit/mod.ts";
import { auditRuleFor, parseAuditPolicy } from "../../../master_daemon/apiserver/audit/policy.ts";

import { admin, configMap, duplexPair, openApi, podObject, type TestApi, watchEvents } from "./_api.ts";

/** An event of the log. */
// biome-ignore lint/suspicious/noExplicitAny: tests read what they expect.
type Event = any;

interface Audited {
  readonly api: TestApi;
  readonly path: string;
  events(): Promise<readonly Event[]>;
}

const configMaps = "/api/v1/namespaces/default/configmaps";

async function folder(): Promise<string> {
  const { path, ...made } = await temporaryFolder("wherry-audit-");
  onTestFinished(() => made[Symbol.asyncDispose]());
  return path;
}

/** An API whose audit log follows some rules; only what the test does itself is noted. */
async function openAudited(...rules: readonly JsonObject[]): Promise<Audited> {
  const place = await folder();
  const policyFile = joinPath(place, "policy.yaml");
  const logPath = joinPath(place, "audit.log");
  const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules };
  await writeFile(policyFile, JSON.stringify(policy));
  const clock = new FakeClock();
  const opened = await openAudit({ policyFile, logPath }, { clock, random: seededRandom(1), log: silentLogger });
  let isSettled = false;
  const audit: Auditor = {
    trailFor: (audited) => (isSettled ? opened.trailFor(audited) : undefined),
    get counts() {
      return opened.counts;
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
  const api = await openApi({ audit, clock });
  isSettled = true;
  return {
    api,
    path: logPath,
    async events() {
      await opened[Symbol.asyncDispose]();
      const text = await readFile(logPath, "utf8");
      return text.split("\n").flatMap((line) => (line ? [JSON.parse(line)] : []));
    },
  };
}

describe("the audit log", () => {
  it("notes who did what, and what became of it", async () => {
    const { api, events, path } = await openAudited({ level: "Metadata" });
    const answer = await api.call("POST", configMaps, configMap("a"), {
      "user-agent": "kubectl/v1.33",
      "x-forwarded-for": "10.0.0.7, nonsense",
    });
    const [received, complete] = await events();
    expect(received).toMatchObject({ stage: "RequestReceived", auditID: answer.headers["audit-id"] });
    expect(received.responseStatus).toBeUndefined();
    expect(complete).toEqual({
      kind: "Event",
      apiVersion: "audit.k8s.io/v1",
      level: "Metadata",
      auditID: answer.headers["audit-id"],
      stage: "ResponseComplete",
      requestURI: configMaps,
      verb: "create",
      user: { username: "admin", groups: ["system:masters", "system:authenticated"] },
      sourceIPs: ["10.0.0.7"],
      userAgent: "kubectl/v1.33",
      objectRef: { resource: "configmaps", namespace: "default", name: "a", apiVersion: "v1" },
      responseStatus: { metadata: {}, code: 201 },
      requestReceivedTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      stageTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      annotations: { "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "" },
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("shows objects at the levels that ask for them, and secrets nowhere else", async () => {
    const { api, events } = await openAudited(
      { level: "Metadata", resources: [{ group: "", resources: ["secrets"] }] },
      { level: "RequestResponse", verbs: ["create"], omitStages: ["RequestReceived"] },
      { level: "Request", omitStages: ["RequestReceived"] },
    );
    await api.create(configMaps, configMap("a", { key: "value" }));
    await api.call(
      "PATCH",
      `${configMaps}/a`,
      { data: { key: "other" } },
      { "content-type": "application/merge-patch+json" },
    );
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { password: "hunter2" } };
    await api.create("/api/v1/namespaces/default/secrets", secret);
    const all = await events();
    expect(all[0].requestObject).toMatchObject({ kind: "ConfigMap", data: { key: "value" } });
    expect(all[0].responseObject).toMatchObject({ data: { key: "value" }, metadata: { uid: expect.any(String) } });
    expect(all[1].requestObject).toEqual({ data: { key: "other" } });
    expect(all[1].responseObject).toBeUndefined();
    expect(JSON.stringify(all.slice(2))).not.toMatch(/hunter2|aHVudGVyMg/);
    expect(all[3].objectRef.name).toBe("s");
  });

  it("reads bodies that are YAML, and leaves out managed fields when told to", async () => {
    const { api, events } = await openAudited({ level: "RequestResponse", omitManagedFields: true });
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a, managedFields: [] }\ndata: { a: b }\n";
    await api.call("POST", configMaps, yaml, { "content-type": "application/yaml" });
    const [, complete] = await events();
    expect(complete.requestObject).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a" },
      data: { a: "b" },
    });
    expect(complete.responseObject.metadata.managedFields).toBeUndefined();
  });

  it("tells why a request was refused", async () => {
    const { api, events } = await openAudited({ level: "Metadata", omitStages: ["RequestReceived"] });
    await api.call("GET", `${configMaps}/missing`);
    await api.call("DELETE", `${configMaps}/missing`);
    const [got] = await events();
    expect(got.responseStatus).toEqual({
      metadata: {},
      status: "Failure",
      message: 'configmaps "missing" not found',
      reason: "NotFound",
      details: { name: "missing", kind: "configmaps" },
      code: 404,
    });
  });

  it("notes the beginning and the end of a watch", async () => {
    const { api, events } = await openAudited({ level: "RequestResponse" });
    const stop = new AbortController();
    await api.create(configMaps, configMap("a"));
    for await (const _event of watchEvents(api, `${configMaps}?watch=true`, { signal: stop.signal })) stop.abort();
    const stages = (await events())
      .filter(({ verb }) => verb === "watch")
      .map(({ stage, responseObject }) => [stage, responseObject]);
    expect(stages).toEqual([
      ["RequestReceived", undefined],
      ["ResponseStarted", undefined],
      ["ResponseComplete", undefined],
    ]);
  });

  it("notes commands that are run, from their beginning to the end of the connection", async () => {
    const { api, events } = await openAudited({
      level: "Metadata",
      resources: [{ group: "", resources: ["pods/exec"] }],
    });
    const pods = "/api/v1/namespaces/default/pods";
    await api.create("/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
    await api.create(pods, podObject("p", { nodeName: "n" }));
    api.nodes.open = () => duplexPair()[0];
    const closed = new AbortController();
    const headers = { upgrade: "websocket", "sec-websocket-protocol": "v5.channel.k8s.io" };
    const run = (name: string) =>
      api.handler.connect(
        { method: "GET", path: `${pods}/${name}/exec?command=id&stdout=true`, headers },
        { user: admin, signal: closed.signal },
      );
    expect(await run("p")).toHaveProperty("target");
    await run("missing");
    closed.abort();
    const all = await events();
    expect(all.map(({ stage, responseStatus, objectRef }) => [stage, objectRef.name, responseStatus?.code])).toEqual([
      ["RequestReceived", "p", undefined],
      ["ResponseStarted", "p", 101],
      ["RequestReceived", "missing", undefined],
      ["ResponseStarted", "missing", 404],
      ["ResponseComplete", "missing", 404],
      ["ResponseComplete", "p", 101],
    ]);
    expect(all[1]).toMatchObject({
      requestURI: `${pods}/p/exec?command=id&stdout=true`,
      objectRef: { subresource: "exec" },
    });
  });

  it("notes the end of a stream that nobody begins to read", async () => {
    const { api, events } = await openAudited({ level: "Metadata" });
    const signal = new AbortController().signal;
    const request = { method: "GET", path: `${configMaps}?watch=true`, headers: {} } as const;
    const { body } = await api.handler.handle(request, { user: admin, signal });
    if (body instanceof Uint8Array) throw new Error("not a stream");
    await body[Symbol.asyncIterator]().return?.();
    expect((await events()).map(({ stage }) => stage)).toEqual([
      "RequestReceived",
      "ResponseStarted",
      "ResponseComplete",
    ]);
  });

  it("notes who was not let in", async () => {
    const { api, events } = await openAudited({ level: "Metadata" });
    const signal = new AbortController().signal;
    const headers = { authorization: "Bearer secret-token" };
    await api.handler.handle({ method: "GET", path: configMaps, headers }, { signal, remoteAddress: "192.0.2.1" });
    const all = await events();
    expect(all).toMatchObject([
      {
        stage: "ResponseStarted",
        user: {},
        sourceIPs: ["192.0.2.1"],
        responseStatus: { code: 401, message: "Authentication failed, attempted: bearer" },
      },
    ]);
    expect(JSON.stringify(all)).not.toContain("secret-token");
  });

  it("carries what admission plug-ins note", async () => {
    const { api, events } = await openAudited({ level: "Metadata", omitStages: ["RequestReceived"] });
    const labels = { "pod-security.kubernetes.io/audit": "baseline" };
    await api.create("/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "strict", labels },
    });
    const spec = { hostNetwork: true, containers: [{ name: "a", image: "b" }] };
    await api.create("/api/v1/namespaces/strict/pods", {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec,
    });
    const [, created] = await events();
    expect(created.annotations).toMatchObject({
      "pod-security.kubernetes.io/audit-violations":
        'would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)',
      "pod-security.kubernetes.io/enforce-policy": "privileged:latest",
    });
  });
});

describe("auditRuleFor()", () => {
  const user = { username: "alice", groups: ["dev"] };
  const resource = {
    type: "resource",
    verb: "get",
    group: "",
    version: "v1",
    resource: "pods",
    subresource: undefined,
    namespace: "web",
    name: "p",
  } as const;
  const cases: readonly (readonly [string, JsonObject, boolean])[] = [
    ["everything", {}, true],
    ["a user", { users: ["alice"] }, true],
    ["another user", { users: ["bob"] }, false],
    ["a group", { userGroups: ["ops", "dev"] }, true],
    ["a verb", { verbs: ["list"] }, false],
    ["a namespace", { namespaces: ["web"] }, true],
    ["objects outside of namespaces", { namespaces: [""] }, false],
    ["a group of resources", { resources: [{ group: "" }] }, true],
    ["another group", { resources: [{ group: "apps" }] }, false],
    ["a resource", { resources: [{ group: "", resources: ["pods"] }] }, true],
    ["subresources only", { resources: [{ group: "", resources: ["pods/log"] }] }, false],
    ["a resource with all below it", { resources: [{ group: "", resources: ["pods/*"] }] }, true],
    ["one object", { resources: [{ group: "", resources: ["pods"], resourceNames: ["q"] }] }, false],
    ["paths", { nonResourceURLs: ["*"] }, false],
  ];
  it.each(cases)("knows whether a rule is for %s", (_what, rule, expected) => {
    const policy = parseAuditPolicy({
      apiVersion: "audit.k8s.io/v1",
      kind: "Policy",
      rules: [{ level: "Metadata", ...rule }],
    });
    expect(auditRuleFor(policy, user, resource) !== undefined).toBe(expected);
  });

  it("knows paths by their beginning", () => {
    const rules = [
      { level: "None", nonResourceURLs: ["/healthz*"] },
      { level: "Metadata", nonResourceURLs: ["/version"] },
    ];
    const policy = parseAuditPolicy({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules });
    const levelOf = (path: string) => auditRuleFor(policy, user, { type: "path", verb: "get", path })?.level;
    expect([levelOf("/healthz/etcd"), levelOf("/version"), levelOf("/metrics")]).toEqual([
      undefined,
      "Metadata",
      undefined,
    ]);
  });

  it.each([
    [{ kind: "Policy" }, "it is no Policy"],
    [{ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [] }, "it has no rules"],
    [{ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "All" }] }, 'Unsupported value: "All"'],
    [
      { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules: [{ level: "None", omitStages: ["Later"] }] },
      'Unsupported value: "Later"',
    ],
  ])("refuses a policy that makes no sense: %j", (document, problem) => {
    expect(() => parseAuditPolicy(document)).toThrow(problem);
  });
});

describe("openLogFile()", () => {
  it("sets the file aside when it has grown, and keeps so many", async () => {
    const place = await folder();
    const clock = new FakeClock(Date.parse("2026-01-31T12:00:00Z"));
    const path = joinPath(place, "audit.log");
    const options = { path, maxBytes: 10, maxAgeMs: 0, maxBackups: 2, compress: false, clock };
    const file = await openLogFile(options);
    for (let index = 0; index < 5; index++) {
      await file.write(`line ${index}\n`);
      await clock.advance(1000);
    }
    await file[Symbol.asyncDispose]();
    expect((await readdir(place)).sort()).toEqual([
      "audit-2026-01-31T12-00-03.000.log",
      "audit-2026-01-31T12-00-04.000.log",
      "audit.log",
    ]);
    expect(await readFile(path, "utf8")).toBe("line 4\n");
  });

  it("removes what is too old, and compresses", async () => {
    const place = await folder();
    const clock = new FakeClock(Date.parse("2026-01-31T12:00:00Z"));
    const path = joinPath(place, "audit.log");
    const file = await openLogFile({ path, maxBytes: 1, maxAgeMs: 5000, maxBackups: 0, compress: true, clock });
    for (const line of ["a\n", "b\n"]) await file.write(line);
    await clock.advance(60_000);
    await file.write("c\n");
    await file[Symbol.asyncDispose]();
    expect((await readdir(place)).sort()).toEqual(["audit-2026-01-31T12-01-00.000.log.gz", "audit.log"]);
  });
});
