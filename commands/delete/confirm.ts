import { throwAll } from "../all_errors.ts";
import { readAnswer } from "../answer.ts";
import type { CommandEnv } from "../env.ts";
import { kindName } from "../output/format.ts";
import type { Target, Targets } from "../targets.ts";
import { tellTakenAlong } from "./taken_along.ts";

/** Shows what would go, and asks. @returns what was shown; undefined for no */
export async function confirm(
  targets: Targets,
  tellsMore: boolean,
  env: CommandEnv,
): Promise<Pick<Targets, "visit"> | undefined> {
  const found: Target[] = [];
  await targets.visit(async (target) => {
    found.push(target);
  });
  if (found.length === 0) {
    await env.terminal.write("No resources found\n");
    return undefined;
  }
  const lines = found.map((target) => `${kindName(target.resource)}/${target.key.name}\n`).join("");
  const tellMore = tellsMore ? tellTakenAlong(env) : undefined;
  for (const target of found) await tellMore?.(target);
  await env.terminal.write(
    `You are about to delete the following ${found.length} resource(s):\n${lines}Do you want to continue? (y/N): `,
  );
  if ((await readAnswer(env.terminal)).toLowerCase() !== "y") {
    await env.terminal.write("deletion is cancelled\n");
    return undefined;
  }
  return {
    async visit(visit) {
      const errors: unknown[] = [];
      for (const target of found) await visit(target).catch((error: unknown) => errors.push(error));
      throwAll(errors);
      return found.length;
    },
  };
}
