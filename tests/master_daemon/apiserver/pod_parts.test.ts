import { expect, it } from "vitest";
import { openApi, podObject } from "./_api.ts";

const path = "/api/v1/namespaces/default/pods/p";
const strategic = { "content-type": "application/strategic-merge-patch+json" };

it("a container is put into a running pod through /ephemeralcontainers, as kubectl debug does", async () => {
  const api = await openApi();
  await api.create("/api/v1/namespaces/default/pods", podObject("p"));
  const patch = {
    spec: {
      ephemeralContainers: [
        { name: "debugger", image: "busybox", stdin: true, tty: true, targetContainerName: "main" },
      ],
      hostPID: true,
    },
  };
  const answer = await api.call("PATCH", `${path}/ephemeralcontainers`, patch, strategic);
  expect(answer.json).toMatchObject({
    kind: "Pod",
    metadata: { generation: 2 },
    spec: { ephemeralContainers: [{ name: "debugger", terminationMessagePolicy: "File" }] },
  });
  expect(answer.json.spec.hostPID).toBeUndefined();
  expect((await api.call("GET", `${path}/ephemeralcontainers`)).json).toEqual(answer.json);
  const removed = await api.call("PUT", `${path}/ephemeralcontainers`, {
    ...answer.json,
    spec: { ...answer.json.spec, ephemeralContainers: [] },
  });
  expect(removed.json).toMatchObject({ code: 422, reason: "Invalid" });
  const outside = await api.call(
    "PATCH",
    path,
    { spec: { ephemeralContainers: [{ name: "b", image: "busybox" }] } },
    strategic,
  );
  expect(outside.json).toMatchObject({ code: 422 });
});

it("a pod is given more through /resize, and only there", async () => {
  const api = await openApi();
  const resources = { requests: { cpu: "100m" } };
  await api.create(
    "/api/v1/namespaces/default/pods",
    podObject("p", { containers: [{ name: "main", image: "busybox", resources }] }),
  );
  const patch = { spec: { containers: [{ name: "main", resources: { requests: { cpu: "200m" } } }] } };
  expect((await api.call("PATCH", path, patch, strategic)).json).toMatchObject({ code: 422, reason: "Invalid" });
  const answer = await api.call("PATCH", `${path}/resize`, patch, strategic);
  expect(answer.json).toMatchObject({
    metadata: { generation: 2 },
    spec: { containers: [{ resources: { requests: { cpu: "200m" } } }] },
  });
});

it("discovery tells of the parts of pods", async () => {
  const api = await openApi();
  const { resources } = (await api.call("GET", "/api/v1")).json;
  for (const name of ["pods/ephemeralcontainers", "pods/resize"])
    expect(resources).toContainEqual(expect.objectContaining({ name, kind: "Pod", verbs: ["get", "patch", "update"] }));
});
