import { describe, expect, it } from "vitest";
import { restartsAfter } from "../../../core/kinds/container_restart.ts";
import { pod } from "../../../core/kinds/mod.ts";
import type { Container, PodSpec } from "../../../core/kinds/pod.ts";
import { errorsOf, nginx, podOf } from "./fixtures.ts";

const rule = (operator: string, ...values: readonly number[]) => ({
  action: "Restart",
  exitCodes: { operator, values },
});
const main = (rest: Partial<Container> = {}): Container => ({ ...nginx, ...rest });

describe("restartsAfter()", () => {
  it.each<[string, PodSpec["restartPolicy"], Partial<Container>, number, boolean]>([
    ["its pod's policy", "Always", {}, 0, true],
    ["its pod's policy", "OnFailure", {}, 0, false],
    ["its pod's policy", "OnFailure", {}, 1, true],
    ["its pod's policy", "Never", {}, 1, false],
    ["its own policy first", "Always", { restartPolicy: "Never" }, 1, false],
    ["its own policy first", "Never", { restartPolicy: "OnFailure" }, 1, true],
    ["its own policy first", "Never", { restartPolicy: "Always" }, 0, true],
    [
      "a rule that knows the code",
      "Never",
      { restartPolicy: "Never", restartPolicyRules: [rule("In", 42, 43)] },
      43,
      true,
    ],
    [
      "its policy where no rule does",
      "Never",
      { restartPolicy: "Never", restartPolicyRules: [rule("In", 42)] },
      1,
      false,
    ],
    [
      "a rule for all other codes",
      "Always",
      { restartPolicy: "Never", restartPolicyRules: [rule("NotIn", 0)] },
      7,
      true,
    ],
    [
      "a rule for all other codes",
      "Always",
      { restartPolicy: "Never", restartPolicyRules: [rule("NotIn", 0)] },
      0,
      false,
    ],
  ])("goes by %s (%s, %j, code %i)", (_, restartPolicy, rest, code, expected) => {
    const container = main(rest);
    expect(restartsAfter({ restartPolicy, containers: [container] } as PodSpec, container, code)).toBe(expected);
  });

  it.each<[Partial<Container>, PodSpec["restartPolicy"], number, boolean]>([
    [{}, "Always", 0, false],
    [{}, "Always", 1, true],
    [{}, "Never", 1, false],
    [{ restartPolicy: "Always" }, "Never", 0, true],
    [{ restartPolicy: "Never" }, "Always", 1, false],
  ])("of an init container with %j in a pod with %s, code %i", (rest, restartPolicy, code, expected) => {
    const container = main({ ...rest, name: "init" });
    const spec = { restartPolicy, containers: [main()], initContainers: [container] } as PodSpec;
    expect(restartsAfter(spec, container, code)).toBe(expected);
  });
});

describe("a pod's containers", () => {
  const errors = (rest: object) => errorsOf(pod, podOf({ containers: [main(rest)] }));

  it("may have policies and rules of their own", () => {
    expect(errors({ restartPolicy: "Never", restartPolicyRules: [rule("In", 42)] })).toEqual([]);
  });

  it.each([
    [
      { restartPolicy: "Sometimes" },
      [
        'spec.containers[0].restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
      ],
    ],
    [
      { restartPolicyRules: [rule("In", 1)] },
      ["spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
    ],
    [
      { restartPolicy: "Never", restartPolicyRules: [{ action: "Explode" }] },
      [
        'spec.containers[0].restartPolicyRules[0].action: Unsupported value: "Explode": supported values: "Restart"',
        "spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified",
      ],
    ],
    [
      { restartPolicy: "Never", restartPolicyRules: Array.from({ length: 21 }, () => rule("In", 1)) },
      ["spec.containers[0].restartPolicyRules: Too many: 21: must have at most 20 items"],
    ],
  ])("are refused with %j", (rest, expected) => {
    expect(errors(rest)).toEqual(expected);
  });

  it("come back from their end where their own policy says so, and sidecars always", () => {
    const status = (name: string, state: object) => ({
      name,
      state,
      ready: false,
      restartCount: 0,
      image: "",
      imageID: "",
    });
    const spec = {
      restartPolicy: "Never" as const,
      initContainers: [main({ name: "side", restartPolicy: "Always" })],
      containers: [main({ restartPolicy: "OnFailure" }), main({ name: "last" })],
    };
    const of = (state: object) => ({
      ...podOf(spec),
      status: {
        initContainerStatuses: [status("side", state)],
        containerStatuses: [status(nginx.name, state), status("last", state)],
      },
    });
    const found = pod.strategy.validateStatusUpdate(of({ running: {} }), of({ terminated: { exitCode: 1 } }), {
      localRanges: [],
    });
    expect(found?.map(({ field }) => field)).toEqual(["status.containerStatuses[1].state"]);
  });
});
