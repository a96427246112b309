import { asJson, jsonEqual } from "../../core/api/json_object.ts";
import type { KubeObject } from "../../core/api/meta.ts";
import type { MutatingRounds } from "./plugin.ts";

/**
 * Which of the webhooks, or policies, of a plug-in are asked a second time: those that want to, when something changed the
 * object after they had seen it.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#reinvocation-policy
 */
export class Reinvocations {
  /** Those that were asked and want to be asked again when something changes. */
  readonly #asked = new Set<string>();
  readonly #again = new Set<string>();
  #output: KubeObject | undefined;

  /** Begins a round with the object as others left it. */
  begin(round: number, object: KubeObject | undefined): void {
    if (round > 0 && !isSame(this.#output, object)) this.changed();
  }

  /** Whether one is asked in this round. */
  isDue(name: string, round: number): boolean {
    return round === 0 || this.#again.has(name);
  }

  /** Something was changed: whoever was asked before may see it. */
  changed(): void {
    for (const name of this.#asked) this.#again.add(name);
    this.#asked.clear();
  }

  /** Notes that one was asked. */
  asked(name: string, policy: "Never" | "IfNeeded" | undefined): void {
    if (policy === "IfNeeded") this.#asked.add(name);
  }

  /** Ends a round with the object as it is left to others. */
  end(object: KubeObject | undefined): void {
    this.#output = object;
  }
}

function isSame(a: KubeObject | undefined, b: KubeObject | undefined): boolean {
  return a === b || jsonEqual(asJson(a), asJson(b));
}

/** The first round of asking. @param changed see {@linkcode MutatingRounds} */
export function firstRound(changed: () => void = () => {}): MutatingRounds {
  const byPlugin = new Map<string, Reinvocations>();
  return {
    round: 0,
    reinvocations(plugin) {
      const known = byPlugin.get(plugin) ?? new Reinvocations();
      byPlugin.set(plugin, known);
      return known;
    },
    changed,
  };
}
