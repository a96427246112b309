import type { Namespace } from "../../kinds/mod.ts";
import { conditionText, type Explainer, type Reason } from "./explanation.ts";

/** What keeps a namespace from its end. */
export const explainNamespace: Explainer<Namespace> = async ({ metadata: { name = "" }, status = {} }) => {
  const { conditions = [], phase = "Active" } = status;
  // What fails stands before what merely remains.
  const order = ["Failure", "FinalizersRemaining", "ContentRemaining"];
  const reasons = order.flatMap((part) =>
    conditions
      .filter((one) => one.type.includes(part) && one.status === "True")
      .map((one): Reason => {
        const says = conditionText(one);
        return {
          stage: "condition",
          says,
          since: one.lastTransitionTime ?? undefined,
          remedy: remedyOf(one.type, says, name),
        };
      }),
  );
  return { state: phase, isWell: phase === "Active", reasons };
};

function remedyOf(type: string, says: string, namespace: string): string | undefined {
  if (type.includes("Discovery")) return "mend or remove the APIService that does not answer: wherry get apiservices";
  const [, resource] = /(?:: |, )(\S+) has \d+ resource/.exec(says) ?? [];
  return resource?.includes(".") ? `wherry why ${resource.replace(/\.$/, "")} -n ${namespace}` : undefined;
}
