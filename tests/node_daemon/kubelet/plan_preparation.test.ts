import { describe, expect, it } from "vitest";
import type { Pod } from "../../../core/kinds/pod.ts";
import { planPreparation } from "../../../node_daemon/kubelet/plan_preparation.ts";
import type { Container } from "../../../node_daemon/runtime/runtime.ts";
import { makeContainer, makePod, spec1 } from "./fixtures.ts";

const address = (fieldPath: string) => ({ env: [{ name: "IP", valueFrom: { fieldRef: { fieldPath } } }] });
const mounted = (rest: object) => ({ volumeMounts: [{ name: "data", mountPath: "/data", ...rest }] });
const ran = { status: { containerStatuses: [{ name: "app", restartCount: 2, containerID: "docker://x" }] } } as object;

const cases: readonly (readonly [name: string, pod: Pod, containers: readonly Container[], expected: string[]])[] = [
  ["all containers of a new pod", makePod({ containers: [spec1("a"), spec1("b")] }), [], ["a #0", "b #0"]],
  ["counts on from what the API knows", makePod({}, ran), [], ["app #3"]],
  ["nothing where something was made already", makePod(), [makeContainer("app")], []],
  ["nothing before init containers", makePod({ initContainers: [spec1("first")] }), [], []],
  ["none that is told the pod's address", makePod({ containers: [spec1("a", address("status.podIP"))] }), [], []],
  ["none that is told its addresses", makePod({ containers: [spec1("a", address("status.podIPs"))] }), [], []],
  ["one that is told its name", makePod({ containers: [spec1("a", address("metadata.name"))] }), [], ["a #0"]],
  ["one with a whole volume", makePod({ containers: [spec1("a", mounted({}))] }), [], ["a #0"]],
  ["none with part of a volume", makePod({ containers: [spec1("a", mounted({ subPath: "x" }))] }), [], []],
  ["none with a made part of one", makePod({ containers: [spec1("a", mounted({ subPathExpr: "$(X)" }))] }), [], []],
];

describe("planPreparation()", () => {
  it.each(cases)("planPreparation() makes ahead %s", (_name, pod, containers, expected) => {
    const planned = planPreparation({ pod, containers });
    expect(planned.map(({ spec, attempt }) => `${spec.name} #${attempt}`)).toEqual(expected);
  });
});
