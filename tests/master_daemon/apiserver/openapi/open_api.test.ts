import { describe, expect, it } from "vitest";
import { type ApiSchema, noSchema } from "../../../../core/api/schema.ts";
import type { ApiResponse } from "../../../../core/client/transport.ts";
import { kinds } from "../../../../core/kinds/mod.ts";
import { openApi } from "../../../../master_daemon/apiserver/openapi/open_api.ts";
import { virtualResources } from "../../../../master_daemon/apiserver/virtual/mod.ts";
import { apiDefinitions } from "../../../../tools/gen_schema.mjs";

const clock = { now: () => Date.UTC(2026, 0, 1) };
const served = openApi({
  kinds: () => kinds,
  schema: apiDefinitions() as unknown as ApiSchema,
  version: "v1.36.0",
  clock,
});
const protobuf = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

async function get(path: string, headers: Record<string, string> = {}, from = served): Promise<ApiResponse> {
  const response = await from.respond(path, headers);
  if (!response) throw new Error(`no answer for ${path}`);
  return response;
}

const json = (response: ApiResponse): unknown => JSON.parse(Buffer.from(response.body as Uint8Array).toString("utf8"));

/** What stands in a document at the end of a path. */
const at = (doc: unknown, ...path: readonly string[]): unknown =>
  path.reduce((value: unknown, member) => (value as Readonly<Record<string, unknown>>)[member], doc);
const keys = (doc: unknown, ...path: readonly string[]): string[] => Object.keys(at(doc, ...path) as object);

const index = json(await get("/openapi/v3"));
const v1 = json(await get("/openapi/v3/api/v1"));
const apps = json(await get("/openapi/v3/apis/apps/v1"));
const urlOf = (folder: string) => String(at(index, "paths", folder, "serverRelativeURL"));

describe("OpenAPI v3", () => {
  it("the index leads to a document per group and version, by its hash", async () => {
    const folders = [...kinds, ...virtualResources]
      .filter(({ hidden }) => !hidden)
      .map(({ group, version }) => (group ? `apis/${group}/${version}` : `api/${version}`));
    expect(keys(index, "paths").sort()).toEqual([...new Set(folders)].sort());
    const url = urlOf("apis/apps/v1");
    expect(url).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]+$/);
    const response = await get(url, { accept: "application/json" });
    expect(response.status).toBe(200);
    expect(response.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "public, immutable",
      expires: "Fri, 01 Jan 2027 00:00:00 GMT",
      etag: `"${url.split("=")[1]}"`,
    });
  });

  it("a wrong hash leads to the right one, a known one to 304, an unknown group nowhere", async () => {
    const url = urlOf("api/v1");
    expect(await get("/openapi/v3/api/v1?hash=0")).toMatchObject({ status: 301, headers: { location: url } });
    const etag = String((await get(url)).headers["etag"]);
    expect(await get(url, { "if-none-match": etag })).toMatchObject({ status: 304, body: new Uint8Array() });
    expect(await served.respond("/openapi/v3/apis/example.com/v1", {})).toBeUndefined();
    expect(await served.respond("/api/v1", {})).toBeUndefined();
  });

  it("paths tell kubectl which kind they are of, and what a patch may be asked", async () => {
    const item = at(apps, "paths", "/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    const gvk = { group: "apps", version: "v1", kind: "Deployment" };
    expect(at(item, "get", "x-kubernetes-group-version-kind")).toEqual(gvk);
    expect(at(item, "patch", "x-kubernetes-group-version-kind")).toEqual(gvk);
    for (const name of ["dryRun", "fieldValidation"])
      expect(at(item, "patch", "parameters")).toContainEqual(expect.objectContaining({ name, in: "query" }));
  });

  it("every kind has its collection, object and subresources; ids are unique", async () => {
    expect(keys(v1, "paths")).toEqual(
      expect.arrayContaining([
        "/api/v1/namespaces/{namespace}/pods/{name}/eviction",
        "/api/v1/namespaces/{namespace}/pods/{name}/status",
        "/api/v1/nodes/{name}",
        "/api/v1/pods",
      ]),
    );
    const ids = [...JSON.stringify([v1, apps]).matchAll(/"operationId":"([^"]+)"/g)].map((match) => match[1]);
    expect(ids.length).toBeGreaterThan(80);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ["api/v1", "/api/v1/namespaces/{namespace}/pods/{name}/log", "get", "get", "Pod"],
    ["api/v1", "/api/v1/namespaces/{namespace}/pods/{name}/exec", "post", "connect", "PodExecOptions"],
    ["api/v1", "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", "post", "post", "TokenRequest"],
    ["api/v1", "/api/v1/namespaces/{name}/finalize", "put", "put", "Namespace"],
    [
      "apis/certificates.k8s.io/v1",
      "/apis/certificates.k8s.io/v1/certificatesigningrequests/{name}/approval",
      "put",
      "put",
      "CertificateSigningRequest",
    ],
    ["apis/authentication.k8s.io/v1", "/apis/authentication.k8s.io/v1/tokenreviews", "post", "post", "TokenReview"],
  ])("%s has %s, whose %s is a %s of %s", async (folder, path, method, action, kind) => {
    const operation = at(json(await get(`/openapi/v3/${folder}`)), "paths", path, method);
    expect(at(operation, "x-kubernetes-action")).toBe(action);
    expect(at(operation, "x-kubernetes-group-version-kind", "kind")).toBe(kind);
  });

  it("a change of one group and version leaves the documents of the others as they are", async () => {
    let now = kinds;
    const changing = openApi({ kinds: () => now, schema: noSchema, version: "v1.36.0", clock });
    const body = async (path: string) => (await get(path, {}, changing)).body;
    const before = [await body("/openapi/v3/apis/apps/v1"), await body("/openapi/v3/apis/batch/v1")];
    now = kinds.filter(({ plural }) => plural !== "cronjobs");
    expect(await body("/openapi/v3/apis/apps/v1")).toBe(before[0]);
    expect(await body("/openapi/v3/apis/batch/v1")).not.toBe(before[1]);
    now = kinds.filter(({ group }) => group !== "batch");
    expect(await changing.respond("/openapi/v3/apis/batch/v1", {})).toBeUndefined();
    expect(keys(json(await get("/openapi/v3", {}, changing)), "paths")).not.toContain("apis/batch/v1");
  });

  it("schemas carry kinds, required fields and how lists merge", async () => {
    const schemas = at(apps, "components", "schemas");
    expect(at(schemas, "io.k8s.api.apps.v1.Deployment", "x-kubernetes-group-version-kind")).toEqual([
      { group: "apps", version: "v1", kind: "Deployment" },
    ]);
    expect(at(schemas, "io.k8s.api.apps.v1.DeploymentSpec", "required")).toEqual(["selector", "template"]);
    const fields = at(schemas, "io.k8s.api.core.v1.PodSpec", "properties");
    expect(at(fields, "containers")).toMatchObject({
      type: "array",
      items: { $ref: "#/components/schemas/io.k8s.api.core.v1.Container" },
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-list-type": "map",
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
    });
    expect(at(fields, "volumes", "x-kubernetes-patch-strategy")).toBe("merge,retainKeys");
    expect(at(fields, "securityContext")).toMatchObject({
      allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.PodSecurityContext" }],
      default: {},
    });
    const command = at(schemas, "io.k8s.api.core.v1.Container", "properties", "command");
    expect(at(command, "x-kubernetes-list-type")).toBe("atomic");
  });

  it("every reference leads somewhere", async () => {
    for (const doc of [v1, apps]) {
      const known = new Set(keys(doc, "components", "schemas"));
      const used = [...JSON.stringify(doc).matchAll(/#\/components\/schemas\/([^"]+)/g)].map((match) => match[1] ?? "");
      expect(used.filter((id) => !known.has(id))).toEqual([]);
    }
  });

  it("without a schema, kinds are still found", async () => {
    const bare = openApi({ kinds: () => kinds, schema: noSchema, version: "v1.36.0", clock });
    const doc = json(await get("/openapi/v3/api/v1", {}, bare));
    expect(at(doc, "components", "schemas", "io.k8s.api.core.v1.Pod")).toEqual({
      type: "object",
      "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "Pod" }],
    });
  });
});

describe("OpenAPI v2", () => {
  it("JSON has definitions without what Swagger 2 does not know", async () => {
    const response = await get("/openapi/v2", { accept: "application/json" });
    expect(response.headers["content-type"]).toBe("application/json");
    const doc = json(response);
    expect(at(doc, "swagger")).toBe("2.0");
    // JSON schema's own words are the names of fields there.
    const { ["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"]: _words, ...others } = at(
      doc,
      "definitions",
    ) as Record<string, unknown>;
    expect(JSON.stringify({ ...others, paths: at(doc, "paths") })).not.toMatch(/"allOf"|"oneOf"|components\/schemas/);
    const definitions = at(doc, "definitions");
    expect(at(definitions, "io.k8s.apimachinery.pkg.api.resource.Quantity", "type")).toBe("string");
    expect(at(definitions, "io.k8s.api.core.v1.PodSpec", "properties", "securityContext", "$ref")).toBe(
      "#/definitions/io.k8s.api.core.v1.PodSecurityContext",
    );
  });

  it.each(["application/json", protobuf])(
    "is written as %s in pieces, between which others get their turn",
    async (accept) => {
      const fresh = openApi({
        kinds: () => kinds,
        schema: apiDefinitions() as unknown as ApiSchema,
        version: "v1",
        clock,
      });
      let turns = 0;
      let isDone = false;
      const count = () => {
        turns++;
        if (!isDone) setImmediate(count);
      };
      setImmediate(count);
      await get("/openapi/v2", { accept }, fresh);
      isDone = true;
      expect(turns).toBeGreaterThan(20);
    },
  );

  it("protobuf is what old kubectl reads: paths with kinds and parameters, definitions with merge keys", async () => {
    const response = await get("/openapi/v2", { accept: protobuf });
    const document = decode(response.body as Uint8Array);
    expect(text(document, 1)).toBe("2.0");
    expect(text(decode(bytes(document, 2)), 2)).toBe("v1.36.0");

    const path = find(decode(bytes(document, 8)), 2, "/api/v1/namespaces/{namespace}/pods/{name}");
    const patch = decode(bytes(path, 8));
    expect(yaml(patch, 13, "x-kubernetes-group-version-kind")).toEqual({ group: "", version: "v1", kind: "Pod" });
    const query = all(patch, 8).flatMap((item) => {
      const nonBody = all(decode(bytes(decode(item), 1)), 2)[0];
      return nonBody ? [text(decode(bytes(decode(nonBody), 3)), 4)] : [];
    });
    expect(query).toEqual(["dryRun", "fieldManager", "fieldValidation", "force"]);

    const definitions = decode(bytes(document, 9));
    const pod = find(definitions, 1, "io.k8s.api.core.v1.Pod");
    expect(yaml(pod, 31, "x-kubernetes-group-version-kind")).toEqual([{ group: "", version: "v1", kind: "Pod" }]);
    const spec = find(definitions, 1, "io.k8s.api.core.v1.PodSpec");
    expect(all(spec, 19).map((name) => Buffer.from(name).toString())).toEqual(["containers"]);
    const containers = find(decode(bytes(spec, 25)), 1, "containers");
    expect(text(decode(bytes(containers, 22)), 1)).toBe("array");
    expect(text(decode(bytes(decode(bytes(containers, 23)), 1)), 1)).toBe("#/definitions/io.k8s.api.core.v1.Container");
    expect(yaml(containers, 31, "x-kubernetes-patch-merge-key")).toBe("name");
  });

  it("answers 304 to what the client has", async () => {
    const etag = String((await get("/openapi/v2", { accept: protobuf })).headers["etag"]);
    expect((await get("/openapi/v2", { accept: protobuf, "if-none-match": etag })).status).toBe(304);
    expect((await get("/openapi/v2", { accept: "application/json", "if-none-match": etag })).status).toBe(200);
  });
});

type Fields = ReadonlyMap<number, readonly Uint8Array[]>;

/** The length-delimited fields of a message, read without the encoder's help. */
function decode(message: Uint8Array): Fields {
  const fields = new Map<number, Uint8Array[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const size = varint();
    if (tag % 8 === 0) continue;
    expect(tag % 8).toBe(2);
    const list = fields.get(Math.floor(tag / 8)) ?? [];
    list.push(message.subarray(at, at + size));
    fields.set(Math.floor(tag / 8), list);
    at += size;
  }
  expect(at).toBe(message.length);
  return fields;
}

const all = (fields: Fields, number: number): readonly Uint8Array[] => fields.get(number) ?? [];
const bytes = (fields: Fields, number: number): Uint8Array => all(fields, number)[0] ?? new Uint8Array();
const text = (fields: Fields, number: number): string => Buffer.from(bytes(fields, number)).toString("utf8");

/** The value of the entry {1 name, 2 value} of that name. */
function find(fields: Fields, number: number, name: string): Fields {
  const entry = all(fields, number)
    .map(decode)
    .find((candidate) => text(candidate, 1) === name);
  return decode(bytes(entry ?? new Map(), 2));
}

const yaml = (fields: Fields, number: number, name: string): unknown => JSON.parse(text(find(fields, number, name), 2));
