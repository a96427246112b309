import type { JsonObject } from "../../core/api/meta.ts";
import { compact } from "../../core/util/compact.ts";
import { variableNameError } from "../variable_names.ts";
import { UsageError } from "../verb.ts";
import type { DryRun } from "../write_flags.ts";
import { isImageName } from "./image_name.ts";

/** What the flags of `run` say of the objects that it makes. */
export interface RunFlags {
  readonly image: string | undefined;
  readonly "image-pull-policy": string | undefined;
  readonly annotations: readonly string[];
  readonly labels: string | undefined;
  readonly env: readonly string[];
  readonly port: string | undefined;
  readonly expose: boolean;
  readonly command: boolean;
  readonly privileged: boolean;
  readonly restart: string;
  readonly stdin: boolean;
  readonly tty: boolean;
  readonly "leave-stdin-open": boolean;
  readonly rm: boolean;
}

const see = "\nSee 'wherry run -h' for help and examples";
/** Whether the flags fit together. @throws UsageError with kubectl's words */
export function checkRun(
  flags: RunFlags,
  { attach, dryRun }: { readonly attach: boolean; readonly dryRun: DryRun },
): void {
  if (!flags.image) throw new UsageError("--image is required");
  if (!isImageName(flags.image)) throw new UsageError(`Invalid image name "${flags.image}": invalid reference format`);
  if (flags.tty && !flags.stdin) throw new UsageError(`-i/--stdin is required for containers with -t/--tty=true${see}`);
  if (flags.expose && !flags.port) throw new UsageError(`--port must be set when exposing a service${see}`);
  if (!["Always", "OnFailure", "Never"].includes(flags.restart))
    throw new UsageError(`invalid restart policy: ${flags.restart}${see}`);
  const policy = flags["image-pull-policy"] || "Always";
  if (!["Always", "IfNotPresent", "Never"].includes(policy))
    throw new UsageError(`invalid image pull policy: ${policy}${see}`);
  if (flags.rm && !attach) throw new UsageError(`--rm should only be used for attached containers${see}`);
  if (attach && dryRun !== "none")
    throw new UsageError(
      `--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)${see}`,
    );
}

/** The pod that the flags describe. @throws UsageError for labels, variables or a port that are none */
export function podOfFlags(name: string, args: readonly string[], flags: RunFlags): JsonObject {
  const variables = flags.env.map((text) => {
    const [, variable, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (variable === undefined || value === undefined || variableNameError(variable) !== undefined)
      throw new UsageError(`invalid env: ${text}`);
    return { name: variable, value };
  });
  return compact<JsonObject>({
    kind: "Pod",
    apiVersion: "v1",
    metadata: compact({
      name,
      labels: labelsOf(name, flags),
      annotations: flags.annotations.length > 0 ? pairs(flags.annotations.join(","), "annotations") : undefined,
    }),
    spec: {
      containers: [
        compact({
          name,
          image: flags.image,
          command: flags.command && args.length > 0 ? args : undefined,
          args: !flags.command && args.length > 0 ? args : undefined,
          ports: flags.port ? [{ containerPort: portOf(flags.port) }] : undefined,
          env: variables.length > 0 ? variables : undefined,
          resources: {},
          imagePullPolicy: flags["image-pull-policy"] || undefined,
          securityContext: flags.privileged ? { privileged: true } : undefined,
          stdin: flags.stdin || undefined,
          stdinOnce: (flags.stdin && !flags["leave-stdin-open"]) || undefined,
          tty: flags.tty || undefined,
        }),
      ],
      restartPolicy: flags.restart,
      dnsPolicy: "ClusterFirst",
    },
    status: {},
  } as JsonObject);
}

/** The service for that pod. */
export function serviceOfFlags(name: string, flags: RunFlags): JsonObject {
  const port = portOf(flags.port ?? "");
  return {
    kind: "Service",
    apiVersion: "v1",
    metadata: { name, ...(flags.labels ? { labels: labelsOf(name, flags) } : {}) },
    spec: { ports: [{ protocol: "TCP", port, targetPort: port }], selector: labelsOf(name, flags) },
    status: { loadBalancer: {} },
  };
}

function labelsOf(name: string, flags: RunFlags): JsonObject {
  return flags.labels ? pairs(flags.labels, "labels") : { run: name };
}

function pairs(text: string, what: string): JsonObject {
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1) throw new UsageError(`unexpected ${what === "labels" ? "label" : "annotation"} spec: ${pair}`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function portOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
