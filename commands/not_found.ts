import { isReason, StatusError } from "../core/api/status.ts";
import { nearest } from "../core/client/nearest.ts";
import { namespace as namespaces } from "../core/kinds/namespace.ts";
import type { CommandEnv } from "./env.ts";
import { resourceNamed } from "./resource_args.ts";

/** So many names are looked at. */
const maxNames = 1000;

/**
 * Says that there is nothing of what was asked for, in kubectl's words. A person is told too when there is no such namespace.
 *
 * @param where undefined: all namespaces, or none
 */
export async function warnNothingFound(where: string | undefined, env: CommandEnv): Promise<void> {
  const { terminal, signal } = env;
  terminal.warn(where === undefined ? "No resources found" : `No resources found in ${where} namespace.`);
  if (where === undefined || where === "default" || !terminal.errorIsTerminal) return;
  try {
    await (await env.client()).get(namespaces, { name: where }, { signal });
  } catch (error) {
    if (!isReason(error, "NotFound")) return;
    terminal.warn(`There is no namespace ${JSON.stringify(where)}.`);
    await warnWhatWasMeant(error, env);
  }
}

/** Tells a person, where objects were not found, the names that were probably meant; nothing to anybody else. Never throws. */
export async function warnWhatWasMeant(error: unknown, env: CommandEnv): Promise<void> {
  if (!env.terminal.errorIsTerminal) return;
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  for (const one of errors) {
    const meant = await nearestName(one, env).catch(() => undefined);
    if (meant !== undefined) env.terminal.warn(`Did you mean ${JSON.stringify(meant)}?`);
  }
}

async function nearestName(error: unknown, env: CommandEnv): Promise<string | undefined> {
  const cause = error instanceof Error && error.cause instanceof StatusError ? error.cause : error;
  if (!isReason(cause, "NotFound")) return undefined;
  const { name, kind: plural, group } = (cause as StatusError).status.details ?? {};
  if (!name || !plural) return undefined;
  const client = await env.client();
  const resource = await resourceNamed(client, group ? `${plural}.${group}` : plural);
  const namespace = resource.namespaced ? await env.namespace() : undefined;
  const { items } = await client.list(resource, { namespace, limit: maxNames, signal: env.signal });
  return nearest(
    name,
    items.map(({ metadata }) => metadata.name ?? ""),
  );
}
