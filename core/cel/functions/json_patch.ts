import { type FunctionSet, overload } from "../overload.ts";
import { string } from "../types.ts";

/** Functions for JSON patches. @see https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/ */
export const jsonPatchFunctions: readonly FunctionSet[] = [
  {
    name: "jsonpatch.escapeKey",
    global: [
      overload([string], string, ([key], budget) => {
        const text = key as string;
        budget.traverse(text.length);
        return text.replaceAll("~", "~0").replaceAll("/", "~1");
      }),
    ],
  },
];
