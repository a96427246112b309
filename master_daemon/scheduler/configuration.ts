import { type ConfigurationReader, readConfiguration } from "../../core/api/configuration_reader.ts";
import { fieldError } from "../../core/api/status.ts";
import { readExtenders } from "./_extenders_configuration.ts";
import { configurablePlugins } from "./_plugin_arguments.ts";
import { profilePlugins, readPluginSets } from "./_profile_plugins.ts";
import type { SchedulerPlugin } from "./framework.ts";
import { nodeResourcesFit } from "./plugins/node_resources_fit.ts";
import { defaultSchedulerName, type SchedulerConfiguration, type SchedulerProfile } from "./profiles.ts";

/** What is known and has no meaning here: clients and elections of the scheduler are those of the master. */
const otherMembers = ["leaderElection", "clientConnection", "healthzBindAddress", "metricsBindAddress"];
const flagsOfDebugging = ["enableProfiling", "enableContentionProfiling", "delayCacheUntilActive"];

/**
 * Reads a KubeSchedulerConfiguration.
 *
 * @throws SyntaxError naming the file and everything that is wrong with it
 * @see https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/
 */
export function readSchedulerConfiguration(path: string): Promise<SchedulerConfiguration> {
  return readConfiguration(path, {
    kind: "KubeSchedulerConfiguration",
    apiVersions: ["kubescheduler.config.k8s.io/v1"],
    read: readAll,
  });
}

function readAll(reader: ConfigurationReader): SchedulerConfiguration {
  for (const name of [...otherMembers, ...flagsOfDebugging]) reader.json(name);
  const parallelism = reader.integer("parallelism") ?? 16;
  if (parallelism <= 0)
    reader.note(fieldError.invalid("parallelism", parallelism, "should be an integer value greater than zero"));
  const { extenders, ignoredResources } = readExtenders(reader);
  const profiles = readProfiles(reader, ignoredResources);
  const percentage = readPercentage(reader);
  const initial = reader.integer("podInitialBackoffSeconds") ?? 1;
  const most = reader.integer("podMaxBackoffSeconds") ?? 10;
  if (initial <= 0) reader.note(fieldError.invalid("podInitialBackoffSeconds", initial, "must be greater than 0"));
  if (most < initial)
    reader.note(
      fieldError.invalid("podMaxBackoffSeconds", most, "must be greater than or equal to PodInitialBackoffSeconds"),
    );
  return {
    profiles: profiles.map((profile) => ({
      ...profile,
      percentageOfNodesToScore: profile.percentageOfNodesToScore ?? percentage,
    })),
    extenders,
    podInitialBackoffMs: initial * 1000,
    podMaxBackoffMs: most * 1000,
  };
}

function readProfiles(reader: ConfigurationReader, ignoredResources: readonly string[]): readonly SchedulerProfile[] {
  const listed = reader.objects("profiles");
  if (listed.length === 0 && !reader.has("profiles"))
    return [
      {
        schedulerName: defaultSchedulerName,
        plugins: profilePlugins(new Map(), readPluginConfig([], ignoredResources)),
      },
    ];
  if (listed.length === 0) reader.note(fieldError.required("profiles", ""));
  const known = new Map<string, ConfigurationReader>();
  return listed.map((profile) => {
    // Kubernetes gives the only profile the default's name.
    const schedulerName = profile.text("schedulerName") || (listed.length === 1 ? defaultSchedulerName : "");
    if (schedulerName === "") profile.note(fieldError.required(profile.at("schedulerName"), ""));
    const other = known.get(schedulerName);
    if (other) profile.note(fieldError.duplicate(profile.at("schedulerName"), other.at("schedulerName")));
    else known.set(schedulerName, profile);
    const percentageOfNodesToScore = readPercentage(profile);
    const plugins = profilePlugins(
      readPluginSets(profile),
      readPluginConfig(profile.objects("pluginConfig"), ignoredResources),
    );
    refuseIncomplete(profile, { schedulerName, plugins });
    return { schedulerName, percentageOfNodesToScore, plugins };
  });
}

/** No pod could be taken from the queue, or bound. */
function refuseIncomplete(profile: ConfigurationReader, { schedulerName, plugins }: SchedulerProfile): void {
  const whose = `for profile with scheduler name ${JSON.stringify(schedulerName)}`;
  if (!plugins.some(({ plugin }) => plugin.queueSort))
    profile.note(
      fieldError.required(profile.at("plugins.queueSort"), `only one queue sort plugin required ${whose}, but got 0`),
    );
  if (!plugins.some(({ plugin }) => plugin.bind))
    profile.note(fieldError.required(profile.at("plugins.bind"), `at least one bind plugin is needed ${whose}`));
}

function readPercentage(reader: ConfigurationReader): number | undefined {
  const percentage = reader.integer("percentageOfNodesToScore");
  if (percentage !== undefined && (percentage < 0 || percentage > 100))
    reader.note(fieldError.invalid(reader.at("percentageOfNodesToScore"), percentage, "not in valid range [0-100]"));
  return percentage;
}

/**
 * Plug-ins with their arguments, by name.
 *
 * @param ignoredResources resources that are others' business
 */
function readPluginConfig(configs: readonly ConfigurationReader[], ignoredResources: readonly string[]) {
  const configured = new Map<string, SchedulerPlugin>();
  if (ignoredResources.length > 0) configured.set("NodeResourcesFit", nodeResourcesFit({ ignoredResources }));
  const seen = new Set<string>();
  for (const config of configs) {
    const name = config.text("name");
    if (seen.has(name)) config.note(fieldError.duplicate(config.path, name));
    seen.add(name);
    const args = config.object("args");
    const make = Object.hasOwn(configurablePlugins, name) ? configurablePlugins[name] : undefined;
    if (!make) {
      config.note(fieldError.notSupported(config.at("name"), name, Object.keys(configurablePlugins)));
      config.json("args");
      continue;
    }
    if (!args) continue;
    for (const member of ["apiVersion", "kind"]) args.text(member);
    configured.set(name, make(args, { ignoredResources }));
  }
  return configured;
}
