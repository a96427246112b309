import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../core/api/meta.ts";
import { kinds } from "../../../core/kinds/mod.ts";

const name = fc.constantFrom("a", "b", "web-1");
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const amounts = fc.dictionary(fc.constantFrom("cpu", "memory"), fc.constantFrom("1", "500m", "0.5", 2, "1Gi", "x"));
const probe = fc.record({ httpGet: fc.record({ port: fc.nat(99) }), timeoutSeconds: fc.nat(3) }, { requiredKeys: [] });
const container = fc.record(
  {
    name,
    image: fc.constantFrom("a", "a:1", "a:latest", "h:5/a", ""),
    ports: fc.array(fc.record({ containerPort: fc.nat(70_000) }), { maxLength: 2 }),
    resources: fc.record({ limits: amounts, requests: amounts }, { requiredKeys: [] }),
    livenessProbe: probe,
    env: fc.array(fc.record({ name, valueFrom: fc.constantFrom({}, { fieldRef: { fieldPath: "metadata.name" } }) }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: [] },
);
const volume = fc.record(
  {
    name,
    secret: fc.constant({ secretName: "s" }),
    hostPath: fc.constant({ path: "/a" }),
    projected: fc.constant({ sources: [{}] }),
  },
  { requiredKeys: ["name"] },
);
const podSpec = fc.record(
  {
    containers: fc.array(container, { maxLength: 2 }),
    initContainers: fc.array(container, { maxLength: 2 }),
    volumes: fc.array(volume),
    hostNetwork: fc.boolean(),
    serviceAccount: name,
  },
  { requiredKeys: [] },
);
const spec = fc.oneof(
  podSpec,
  fc.record(
    {
      replicas: fc.nat(3),
      selector: fc.constant({ matchLabels: { a: "b" } }),
      template: fc.record({ spec: podSpec }, { requiredKeys: [] }),
      strategy: fc.record({ type: fc.constantFrom("Recreate", "RollingUpdate", "") }, { requiredKeys: [] }),
      type: fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
      sessionAffinity: fc.constantFrom("None", "ClientIP", ""),
      ports: fc.array(
        fc.record({ port: fc.nat(70_000), targetPort: fc.constantFrom(0, "", "http", 80) }, { requiredKeys: [] }),
      ),
      podCIDR: fc.constant("10.0.0.0/24"),
    },
    { requiredKeys: [] },
  ),
);
const object = fc.record({
  metadata: fc.record({ name: maybe(name), labels: maybe(fc.dictionary(name, name)) }),
  spec: maybe(spec),
  stringData: maybe(fc.dictionary(fc.string(), fc.string())),
  subsets: maybe(fc.array(fc.record({ ports: fc.array(fc.record({ port: fc.nat(99) })) }))),
  ports: maybe(fc.array(fc.record({ port: fc.nat(99) }))),
});

/** A change of its argument fails loudly. */
function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null)
    for (const member of Object.values(Object.freeze(value))) freeze(member);
  return value;
}

describe("defaults of every kind", () => {
  it.each(kinds.map((kind) => [kind.kind, kind] as const))(
    "%s fills them once, changes nothing in place and validates without a crash",
    (_, kind) => {
      const { applyDefaults, validate, validateUpdate, prepareForCreate, fields } = kind.strategy;
      fc.assert(
        fc.property(object, (parts) => {
          const written = JSON.parse(JSON.stringify({ apiVersion: "v1", kind: kind.kind, ...parts })) as KubeObject;
          const once = freeze(applyDefaults(freeze(written)));
          expect(applyDefaults(once)).toEqual(once);
          const created = freeze(prepareForCreate(once));
          const errors = validate(created, { localRanges: [] });
          expect(validateUpdate(created, created, { localRanges: [] })).toEqual([]);
          expect(typeof fields(created)).toBe("object");
          // Only what is valid is ever shown.
          for (const column of errors.length === 0 ? kind.columns : [])
            expect(["string", "number", "boolean"]).toContain(typeof column.cell(created, { now: 0 }));
        }),
        { numRuns: 60 },
      );
    },
  );
});
