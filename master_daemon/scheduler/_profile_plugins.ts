import type { ConfigurationReader } from "../../core/api/configuration_reader.ts";
import { fieldError } from "../../core/api/status.ts";
import type { SchedulerPlugin, WeightedPlugin } from "./framework.ts";
import { plugins as defaults } from "./plugins/mod.ts";

/** The extension points of a profile, and what of a plug-in belongs to each; nothing: it is part of the scheduler itself. */
const extensionPoints: Readonly<Record<string, readonly (keyof SchedulerPlugin)[]>> = {
  preEnqueue: [],
  queueSort: ["queueSort"],
  preFilter: ["preFilter"],
  filter: ["filter"],
  postFilter: ["postFilter"],
  preScore: ["preScore"],
  score: ["score", "normalizeScores"],
  reserve: ["reserve", "unreserve"],
  permit: ["permit"],
  preBind: ["preBind"],
  bind: ["bind"],
  postBind: ["postBind"],
};

/** Kubernetes' default plug-ins that are part of the scheduler itself. */
const builtIn: readonly string[] = ["SchedulingGates", "DynamicResources"];
const removed: readonly string[] = ["AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"];
const everything = "*";

/** Which plug-ins are asked at an extension point besides, or in place of, the default ones. */
export interface PluginSet {
  readonly enabled: readonly { readonly name: string; readonly weight: number | undefined }[];
  readonly disabled: ReadonlySet<string>;
}

/** Reads `plugins` of a profile: a set for each extension point, and one for all under `multiPoint`. */
export function readPluginSets(profile: ConfigurationReader): ReadonlyMap<string, PluginSet> {
  const sets = new Map<string, PluginSet>();
  const all = profile.object("plugins");
  if (!all) return sets;
  for (const point of ["multiPoint", ...Object.keys(extensionPoints)]) {
    const set = all.object(point);
    if (!set) continue;
    const enabled = set.objects("enabled").map((one) => {
      const name = one.text("name");
      const weight = one.integer("weight");
      if (removed.includes(name)) {
        const version = "kubescheduler.config.k8s.io/v1";
        const detail = `was invalid in version ${JSON.stringify(version)} (KubeSchedulerConfiguration is version ${JSON.stringify(version)})`;
        one.note(fieldError.invalid(one.path, name, detail));
      } else if (!isKnown(name)) one.note(fieldError.notFound(one.at("name"), name));
      if (weight !== undefined && weight < 0)
        one.note(fieldError.invalid(one.at("weight"), weight, "must not be negative"));
      return { name, weight };
    });
    const disabled = new Set(
      set.objects("disabled").map((one) => {
        one.integer("weight");
        return one.text("name");
      }),
    );
    sets.set(point, { enabled, disabled });
  }
  return sets;
}

/**
 * The plug-ins of a profile in the order in which they are asked.
 *
 * @param configured plug-ins with arguments of their own, by name
 */
export function profilePlugins(
  sets: ReadonlyMap<string, PluginSet>,
  configured: ReadonlyMap<string, SchedulerPlugin>,
): readonly WeightedPlugin[] {
  const known = new Map(
    defaults.map((one) => [one.plugin.name, { ...one, plugin: configured.get(one.plugin.name) ?? one.plugin }]),
  );
  const multiPoint = sets.get("multiPoint");
  const wanted = new Map<string, number | undefined>();
  const isOff = (set: PluginSet | undefined, name: string) => set?.disabled.has(name) || set?.disabled.has(everything);
  for (const name of known.keys()) if (!isOff(multiPoint, name)) wanted.set(name, undefined);
  for (const { name, weight } of multiPoint?.enabled ?? []) wanted.set(name, weight || undefined);
  const everywhere = new Set(wanted.keys());
  for (const { enabled } of sets.values())
    for (const { name } of enabled) if (!wanted.has(name)) wanted.set(name, undefined);

  return [...wanted].flatMap(([name, multiWeight]) => {
    const one = known.get(name);
    if (!one) return [];
    const absent = Object.entries(extensionPoints).flatMap(([point, members]) => {
      const set = sets.get(point);
      const isOn = (everywhere.has(name) && !isOff(set, name)) || set?.enabled.some((other) => other.name === name);
      return isOn ? [] : members;
    });
    const ofScore = sets.get("score")?.enabled.find((other) => other.name === name)?.weight;
    return [{ plugin: without(one.plugin, absent), weight: ofScore || multiWeight || one.weight }];
  });
}

function isKnown(name: string): boolean {
  return builtIn.includes(name) || defaults.some(({ plugin }) => plugin.name === name);
}

function without(plugin: SchedulerPlugin, members: readonly (keyof SchedulerPlugin)[]): SchedulerPlugin {
  if (members.length === 0) return plugin;
  const left = Object.entries(plugin).filter(([member]) => !members.includes(member as keyof SchedulerPlugin));
  return Object.fromEntries(left) as unknown as SchedulerPlugin;
}
