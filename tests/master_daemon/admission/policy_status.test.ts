import { expect, it, onTestFinished } from "vitest";
import { loadSchema } from "../../../core/api/schema.ts";
import { readPackedAsset } from "../../../core/platform/assets.ts";
import { silentLogger } from "../../../core/util/log.ts";
import { keepPolicyStatus } from "../../../master_daemon/admission/mod.ts";
import { openApi } from "../apiserver/_api.ts";

it("tells in a policy's status which expressions do not fit the objects that it is about", async () => {
  const api = await openApi();
  const schema = await loadSchema(readPackedAsset);
  const keeper = keepPolicyStatus({ registries: api.registries, schema, log: silentLogger });
  onTestFinished(() => keeper[Symbol.asyncDispose]());
  const path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
  const created = await api.create(path, {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: "typed" },
    spec: {
      matchConstraints: {
        resourceRules: [{ apiGroups: ["apps"], apiVersions: ["v1"], operations: ["*"], resources: ["deployments"] }],
      },
      variables: [{ name: "spec", expression: "object.spec" }],
      validations: [
        { expression: "object.replicas > 1" },
        {
          expression:
            "object.metadata.namespace != '' && variables.spec.replicas > 1 && variables.spec.template.spec.containers.all(c, c.name.startsWith('a'))",
        },
        { expression: "object.spec.replicas > '1'", messageExpression: "object.metadata.nme" },
      ],
    },
  });
  expect(created.status, created.text).toBe(201);
  await expect
    .poll(async () => (await api.call("GET", `${path}/typed`)).json.status)
    .toEqual({
      observedGeneration: 1,
      typeChecking: {
        expressionWarnings: [
          {
            fieldRef: "spec.validations[0].expression",
            warning:
              "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
          },
          {
            fieldRef: "spec.validations[2].expression",
            warning: expect.stringContaining("found no matching overload for '_>_' applied to '(int, string)'"),
          },
          {
            fieldRef: "spec.validations[2].messageExpression",
            warning: expect.stringContaining("undefined field 'nme'"),
          },
        ],
      },
    });
});
