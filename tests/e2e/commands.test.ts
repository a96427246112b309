import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../core/client/wait_for.ts";
import { deployment } from "../../core/kinds/deployment.ts";
import { pod } from "../../core/kinds/pod.ts";
import { startUp, type TestCluster, temporaryFolder } from "./harness.ts";
import { servers, serviceOf, shellPod } from "./manifests.ts";

const folder = temporaryFolder();
let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startUp(folder.path);
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Lines with single spaces between cells, as what kubectl prints is compared. */
function cells(table: string): readonly string[] {
  return table
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd().replace(/ {2,}/g, " | "));
}

describe("a second process at a running cluster", () => {
  it("applies manifests, saying what became of each", async () => {
    expect(await cluster.apply(servers("web", 2), serviceOf("web"))).toBe(
      "deployment.apps/web created\nservice/web created\n",
    );
    expect(await cluster.apply(servers("web", 2), serviceOf("web", { sessionAffinity: "ClientIP" }))).toBe(
      "deployment.apps/web unchanged\nservice/web configured\n",
    );
    expect(await cluster.ok("rollout", "status", "deploy/web")).toMatch(
      /^(Waiting for .*\n)*deployment "web" successfully rolled out\n$/,
    );
  });

  it("gets tables as the server makes them", async () => {
    expect(cells(await cluster.ok("get", "deploy"))).toEqual([
      "NAME | READY | UP-TO-DATE | AVAILABLE | AGE",
      expect.stringMatching(/^web \| 2\/2 \| 2 \| 2 \| \d+s$/),
    ]);
    const running = expect.stringMatching(/^web-[a-z0-9]+-[a-z0-9]{5} \| 1\/1 \| Running \| 0 \| \d+s$/) as string;
    expect(cells(await cluster.ok("get", "pods", "-l", "app=web"))).toEqual([
      "NAME | READY | STATUS | RESTARTS | AGE",
      running,
      running,
    ]);
    expect(cells(await cluster.ok("get", "po", "-owide", "--no-headers"))[0]).toMatch(
      /^web-\S+ \| 1\/1 \| Running \| 0 \| \d+s \| 127\.\d+\.\d+\.\d+ \| node-0 \| <none> \| <none>$/,
    );
    expect(cells(await cluster.ok("get", "nodes"))[1]).toMatch(/^node-0 \| Ready \| <none> \| \d+s \| v1\.\d+/);
    expect(cells(await cluster.ok("get", "svc,deploy", "-A"))).toEqual([
      "NAMESPACE | NAME | TYPE | CLUSTER-IP | EXTERNAL-IP | PORT(S) | AGE",
      expect.stringMatching(/^default \| service\/kubernetes \| ClusterIP \| 127\.\S+ \| <none> \| 443\/TCP \| \d+s$/),
      expect.stringMatching(/^default \| service\/web \| ClusterIP \| 127\.\S+ \| <none> \| 80\/TCP \| \d+s$/),
      expect.stringMatching(
        /^kube-system \| service\/kube-dns \| ClusterIP \| 127\.\S+ \| <none> \| 53\/UDP,53\/TCP \| \d+s$/,
      ),
      "",
      "NAMESPACE | NAME | READY | UP-TO-DATE | AVAILABLE | AGE",
      expect.stringMatching(/^default \| deployment.apps\/web \| 2\/2 \|/),
    ]);
  });

  it("gets whole objects", async () => {
    expect(await cluster.ok("get", "deploy", "web", "-o", "name")).toBe("deployment.apps/web\n");
    const json = JSON.parse(await cluster.ok("get", "deploy/web", "-ojson"));
    expect(json).toMatchObject({ apiVersion: "apps/v1", kind: "Deployment", spec: { replicas: 2 } });
    expect(await cluster.ok("get", "deploy/web", "-o", "yaml")).toMatch(/^apiVersion: apps\/v1\nkind: Deployment\n/);
    expect(JSON.parse(await cluster.ok("get", "pods", "-o", "json"))).toMatchObject({ kind: "List", apiVersion: "v1" });
  });

  it("says what is not there, and ends with 1", async () => {
    expect(await cluster.wherry("get", "pod", "nobody")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'Error from server (NotFound): pods "nobody" not found\n',
    });
    expect(await cluster.wherry("get", "secrets", "-n", "kube-public")).toMatchObject({
      code: 0,
      stderr: "No resources found in kube-public namespace.\n",
    });
  });

  it("scales, and a watch sees it happen", async () => {
    await using watching = cluster.follow("get", "deploy", "web", "-w");
    await watching.printed(/^web +2\/2 /m);
    expect(await cluster.ok("scale", "deploy/web", "--replicas=3")).toBe("deployment.apps/web scaled\n");
    await watching.printed(/^web +2\/3 [\s\S]*^web +3\/3 +3 +3 /m);
    expect(await watching.stop("SIGINT")).toMatchObject({ stderr: "" });
  });

  it("watches for as long as an answer may take", async () => {
    expect(await cluster.ok("get", "ns", "default", "-w", "-o", "name", "--request-timeout=1s")).toBe(
      "namespace/default\n",
    );
  });

  it("describes objects with their events", async () => {
    const described = await cluster.ok("describe", "deploy", "web");
    expect(described).toMatch(/^Name: +web\nNamespace: +default\n/);
    expect(described).toMatch(/^Replicas: +3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable$/m);
    // Events come a moment after what they tell of.
    await expect
      .poll(() => cluster.ok("describe", "deploy", "web"))
      .toMatch(/Scaled up replica set web-\S+ from 0 to 2$/m);
    const name = (await cluster.ok("get", "pods", "-l", "app=web", "-o", "name")).split("\n")[0] ?? "";
    await expect.poll(() => cluster.ok("describe", name)).toMatch(/Normal +Started +/);
    const ofPod = await cluster.ok("describe", name);
    expect(ofPod).toMatch(/^Node: +node-0\/127\.0\.0\.1$/m);
    expect(ofPod).toMatch(/Normal +Scheduled +.*Successfully assigned default\/web-/);
  });

  it("follows logs until the container ends", async () => {
    await cluster.apply(
      shellPod(
        "talker",
        'mkfifo "$WHERRY_ROOT/tmp/pipe"; echo one; echo two; read line < "$WHERRY_ROOT/tmp/pipe"; echo "$line"',
        { restartPolicy: "Never" },
      ),
    );
    await cluster.ok("wait", "pod/talker", "--for=condition=Ready");
    await using following = cluster.follow("logs", "-f", "talker");
    await following.printed(/^one\ntwo\n$/);
    expect(await cluster.ok("logs", "talker", "--tail=1")).toBe("two\n");
    // It may end with the container, whose end it brings about.
    await cluster.wherry("exec", "talker", "--", "sh", "-c", 'echo three > "$WHERRY_ROOT/tmp/pipe"');
    await following.printed(/^one\ntwo\nthree\n$/);
    expect(await following.ended).toMatchObject({ code: 0, stderr: "" });
    expect(await cluster.wherry("logs", "deploy/web")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^listening on 127\./),
      stderr: expect.stringMatching(/^Found 3 pods, using pod\/web-\S+\n$/),
    });
  });

  it("logs --new-pods goes on with the pods that take the place of others", async () => {
    await cluster.apply(servers("followed", 1));
    await cluster.ok("rollout", "status", "deploy/followed");
    await using following = cluster.follow("logs", "-f", "deploy/followed", "--new-pods");
    const [, first = ""] = await following.printed(/^\[pod\/(followed-[^/]+)\/\w+\] listening on /m);
    await cluster.ok("delete", "pod", first);
    await following.printed(new RegExp(`^\\[pod/(?!${first}/)followed-[^/]+/\\w+\\] listening on `, "m"));
    await following.stop();
    await cluster.ok("delete", "deploy", "followed");
  });

  it("runs commands in containers, with their input, output and exit code", async () => {
    expect(await cluster.wherry("exec", "deploy/web", "--", "sh", "-c", "echo out; echo err >&2; exit 7")).toEqual({
      code: 7,
      stdout: "out\n",
      stderr: "err\ncommand terminated with exit code 7\n",
    });
    const typed = cluster.follow("exec", "-i", "deploy/web", "--", "cat");
    typed.child.stdin?.end("what is typed\n");
    expect(await typed.ended).toMatchObject({ code: 0, stdout: "what is typed\n" });
  });

  it("steers roll-outs", async () => {
    const history = async () => cells(await cluster.ok("rollout", "history", "deploy/web"));
    expect(await history()).toEqual(
      ["deployment.apps/web ", "REVISION | CHANGE-CAUSE", "1 | <none>"].map((line) => line.trim()),
    );
    expect(await cluster.ok("rollout", "restart", "deploy/web")).toBe("deployment.apps/web restarted\n");
    expect(await cluster.ok("rollout", "status", "deploy/web")).toMatch(/successfully rolled out\n$/);
    expect((await history()).slice(2)).toEqual(["1 | <none>", "2 | <none>"]);
    expect(await cluster.ok("rollout", "undo", "deploy/web")).toBe("deployment.apps/web rolled back\n");
    expect(await cluster.ok("rollout", "status", "deploy/web")).toMatch(/successfully rolled out\n$/);
    expect((await history()).slice(2)).toEqual(["2 | <none>", "3 | <none>"]);

    expect(await cluster.ok("rollout", "pause", "deploy/web")).toBe("deployment.apps/web paused\n");
    expect(await cluster.wherry("rollout", "undo", "deploy/web")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: you cannot rollback a paused deployment; resume it first/m),
    });
    const refused = { code: 1, stdout: "" };
    expect(await cluster.wherry("rollout", "restart", "deploy/web")).toEqual({
      ...refused,
      stderr: 'error: deployments.apps "web" can\'t restart paused deployment (run rollout resume first)\n',
    });
    expect(await cluster.wherry("rollout", "pause", "deploy/web")).toEqual({
      ...refused,
      stderr: 'error: deployments.apps "web" is already paused\n',
    });
    expect(await cluster.ok("rollout", "resume", "deploy/web")).toBe("deployment.apps/web resumed\n");
    expect(await cluster.wherry("rollout", "resume", "deploy/web")).toEqual({
      ...refused,
      stderr: 'error: deployments.apps "web" is not paused\n',
    });
    expect(await cluster.wherry("rollout", "history", "deploy/web", "--revision=9")).toEqual({
      ...refused,
      stderr: "error: unable to find the specified revision\n",
    });
    expect(await cluster.ok("rollout", "history", "deploy/web", "--revision=3")).toMatch(
      /^deployment\.apps\/web with revision #3\nPod Template:\n/,
    );
    await cluster.ok("rollout", "status", "deploy/web");
  });

  it("waits for conditions, or gives up", async () => {
    expect(await cluster.ok("wait", "deploy/web", "--for=condition=Available")).toBe(
      "deployment.apps/web condition met\n",
    );
    expect(await cluster.wherry("wait", "deploy/web", "--for=condition=Never", "--timeout=100ms")).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: timed out waiting for the condition on deployments/web\n",
    });
  });

  it("lists what the server serves, and versions", async () => {
    const resources = cells(await cluster.ok("api-resources"));
    expect(resources[0]).toBe("NAME | SHORTNAMES | APIVERSION | NAMESPACED | KIND");
    expect(resources).toContain("deployments | deploy | apps/v1 | true | Deployment");
    expect(await cluster.ok("version")).toMatch(/^Client Version: \S+.*\nServer Version: v1\.\d+\.\d+/m);
  });

  it("deletes, and waits until what was deleted is gone", async () => {
    await waitFor(cluster.client, deployment, { namespace: "default", name: "web" }, { condition: "Available" });
    expect(await cluster.ok("delete", "pod/talker", "deploy/web")).toBe(
      'pod "talker" deleted from default namespace\ndeployment.apps "web" deleted from default namespace\n',
    );
    await cluster.ok("wait", "pods", "--all", "--for=delete");
    expect((await cluster.client.list(pod, { namespace: "default" })).items).toEqual([]);
    expect(await cluster.wherry("delete", "deploy/web")).toEqual({
      code: 1,
      stdout: "",
      stderr: 'Error from server (NotFound): deployments.apps "web" not found\n',
    });
  });
});
