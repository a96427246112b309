import { isJsonObject } from "../../core/api/json_object.ts";
import type { JsonObject, KubeObject } from "../../core/api/meta.ts";
import { type RestartOptions, type SimulatedComponent, simulatedComponents } from "./interruptions.ts";
import type { ApiFaults } from "./network.ts";
import { millisecondsOf, type SimulatedCluster } from "./simulated_cluster.ts";

/** What a scenario does to a cluster at some time. */
export interface ScenarioStep {
  /** Milliseconds after its manifests were applied. */
  readonly atMs: number;
  /** What it does, as `killNode node-1`. */
  readonly text: string;
  /** @throws RangeError for a node that there is not */
  run(cluster: SimulatedCluster): Promise<void>;
}

type Action = (cluster: SimulatedCluster) => void | Promise<void>;

const apiVersion = "simulation.wherry.dev/v1";
const kind = "Scenario";

/** Whether a manifest says what goes wrong, rather than what there is. */
export function isScenario(object: KubeObject): boolean {
  return object.apiVersion === apiVersion && object.kind === kind;
}

/** What a step may do: named as the methods of {@linkcode SimulatedCluster}, each with what it takes. */
const readers = new Map<string, (value: unknown, path: string) => Action>([
  [
    "killNode",
    (value, path) => {
      const name = textOf(value, path);
      return (cluster) => cluster.killNode(name);
    },
  ],
  [
    "reviveNode",
    (value, path) => {
      const name = textOf(value, path);
      return (cluster) => cluster.reviveNode(name);
    },
  ],
  [
    "restart",
    (value, path) => {
      const options = restartOf(value, path);
      return (cluster) => cluster.restart(options.component, options);
    },
  ],
  [
    "setFaults",
    (value, path) => {
      const faults = faultsOf(value, path);
      return (cluster) => cluster.setFaults(faults);
    },
  ],
  [
    "dropWatches",
    (value, path) => {
      if (value !== true) throw wrong(path, "must be true");
      return (cluster) => cluster.dropWatches();
    },
  ],
]);

/**
 * The steps of scenarios, in the order of their times.
 *
 * @throws RangeError that says which field is wrong, and how
 */
export function readScenarios(scenarios: readonly KubeObject[]): readonly ScenarioStep[] {
  const steps = scenarios.flatMap((scenario) => {
    const list = (scenario as { readonly steps?: unknown }).steps;
    if (!Array.isArray(list)) throw wrong("steps", "must be a list");
    return list.map((step, index) => stepOf(step, `steps[${index}]`));
  });
  return steps.sort((a, b) => a.atMs - b.atMs);
}

function stepOf(step: unknown, path: string): ScenarioStep {
  if (!isJsonObject(step)) throw wrong(path, "must be an object");
  const { at, ...rest } = step;
  const atMs = timeOf(at, `${path}.at`);
  const actions = Object.entries(rest).map(([name, value]) => {
    const read = readers.get(name);
    if (!read) throw wrong(`${path}.${name}`, `is none of ${[...readers.keys()].join(", ")}`);
    return read(value, `${path}.${name}`);
  });
  if (actions.length === 0) throw wrong(path, `must do one of ${[...readers.keys()].join(", ")}`);
  return {
    atMs,
    text: Object.entries(rest).map(actionText).join(", "),
    async run(cluster) {
      for (const action of actions) await action(cluster);
    },
  };
}

function actionText([name, value]: readonly [string, unknown]): string {
  if (value === true) return name;
  return `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`;
}

function timeOf(value: unknown, path: string): number {
  try {
    return millisecondsOf(textOf(value, path));
  } catch (cause) {
    if (cause instanceof RangeError) throw cause;
    throw new RangeError(`${path}: ${JSON.stringify(value)} is no time such as 90s or 1h30m`, { cause });
  }
}

function textOf(value: unknown, path: string): string {
  if (typeof value !== "string" || value === "") throw wrong(path, "must be text");
  return value;
}

function faultsOf(value: unknown, path: string): ApiFaults {
  if (!isJsonObject(value)) throw wrong(path, "must be an object");
  const { latencyMs, lost, lostAnswers, ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw wrong(`${path}.${unknown}`, "is none of latencyMs, lost, lostAnswers");
  return {
    ...(latencyMs === undefined ? {} : { latencyMs: rangeOf(latencyMs, `${path}.latencyMs`) }),
    ...(lost === undefined ? {} : { lost: partOf(lost, `${path}.lost`) }),
    ...(lostAnswers === undefined ? {} : { lostAnswers: partOf(lostAnswers, `${path}.lostAnswers`) }),
  };
}

/** The name of a component, or an object with it. */
function restartOf(value: unknown, path: string): RestartOptions & { readonly component: SimulatedComponent } {
  const given: JsonObject = isJsonObject(value) ? value : {};
  const { component: name = value, afterWrites, ...rest } = given;
  const component = simulatedComponents.find((one) => one === name);
  if (!component)
    throw wrong(path, `must be one of ${simulatedComponents.join(", ")}, or an object with one as component`);
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw wrong(`${path}.${unknown}`, "is none of component, afterWrites");
  if (afterWrites === undefined) return { component };
  if (!Number.isSafeInteger(afterWrites) || Number(afterWrites) < 1)
    throw wrong(`${path}.afterWrites`, "must be a whole number of at least 1");
  return { component, afterWrites: Number(afterWrites) };
}

function rangeOf(value: unknown, path: string): readonly [number, number] {
  const [least, most, more] = Array.isArray(value) ? value : [];
  if (typeof least !== "number" || typeof most !== "number" || more !== undefined || least < 0 || most < least)
    throw wrong(path, "must be two numbers, the least and the most milliseconds");
  return [least, most];
}

function partOf(value: unknown, path: string): number {
  if (typeof value !== "number" || value < 0 || value > 1) throw wrong(path, "must be a number from 0 to 1");
  return value;
}

function wrong(path: string, why: string): RangeError {
  return new RangeError(`${kind}: ${path}: ${why}`);
}
