import type {
  Container,
  ContainerStatus,
  EnvVar,
  Handler,
  PodTemplateSpec,
  Probe,
  Volume,
} from "../../core/kinds/pod.ts";
import { fieldLines, indented, labelLines, section } from "./fields.ts";

/** What pods made from a template are like. */
export function describePodTemplate({ metadata, spec }: PodTemplateSpec): readonly string[] {
  return section("Pod Template", [
    ...fieldLines([["Labels", labelLines(metadata?.labels)]]),
    ...(spec.initContainers?.length
      ? section(
          "Init Containers",
          spec.initContainers.flatMap((container) => describeContainer(container)),
        )
      : []),
    ...section(
      "Containers",
      spec.containers.flatMap((container) => describeContainer(container)),
    ),
    ...section("Volumes", (spec.volumes ?? []).flatMap(describeVolume)),
  ]);
}

/** One container, with its state where there is one. */
export function describeContainer(container: Container, status?: ContainerStatus): readonly string[] {
  const { ports = [], resources = {}, env = [], envFrom = [], volumeMounts = [] } = container;
  return [
    `${container.name}:`,
    ...indented([
      ...fieldLines([
        ["Container ID", status?.containerID],
        ["Image", container.image],
        ["Image ID", status?.imageID],
        [
          "Ports",
          ports.length
            ? ports.map(({ containerPort, protocol = "TCP" }) => `${containerPort}/${protocol}`).join(", ")
            : "<none>",
        ],
        [
          "Host Ports",
          ports.some(({ hostPort }) => hostPort)
            ? ports.map(({ hostPort = 0, protocol = "TCP" }) => `${hostPort}/${protocol}`).join(", ")
            : undefined,
        ],
        ["Command", container.command],
        ["Args", container.args],
      ]),
      ...(status?.state ? describeState("State", status.state) : []),
      ...(status?.lastState && Object.keys(status.lastState).length > 0
        ? describeState("Last State", status.lastState)
        : []),
      ...fieldLines([
        ["Ready", status && (status.ready ? "True" : "False")],
        ["Restart Count", status?.restartCount],
      ]),
      ...amounts("Limits", resources.limits),
      ...amounts("Requests", resources.requests),
      ...fieldLines([
        ["Liveness", container.livenessProbe && probeText(container.livenessProbe)],
        ["Readiness", container.readinessProbe && probeText(container.readinessProbe)],
        ["Startup", container.startupProbe && probeText(container.startupProbe)],
      ]),
      ...(envFrom.length
        ? section(
            "Environment Variables from",
            envFrom.map(({ configMapRef, secretRef }) =>
              configMapRef ? `${configMapRef.name}  ConfigMap` : `${secretRef?.name}  Secret`,
            ),
          )
        : []),
      ...section("Environment", fieldLines(env.map((variable) => [variable.name, envText(variable)]))),
      ...section(
        "Mounts",
        volumeMounts.map(
          ({ mountPath, name, readOnly, subPath }) =>
            `${mountPath} from ${name} (${readOnly ? "ro" : "rw"}${subPath ? `,path="${subPath}"` : ""})`,
        ),
      ),
    ]),
  ];
}

function describeState(
  label: string,
  { waiting, running, terminated }: NonNullable<ContainerStatus["state"]>,
): readonly string[] {
  if (running) return [...fieldLines([[label, "Running"]]), ...indented(fieldLines([["Started", running.startedAt]]))];
  if (terminated) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = terminated;
    return [
      ...fieldLines([[label, "Terminated"]]),
      ...indented(
        fieldLines([
          ["Reason", reason],
          ["Message", message],
          ["Exit Code", exitCode],
          ["Signal", signal],
          ["Started", startedAt],
          ["Finished", finishedAt],
        ]),
      ),
    ];
  }
  return [
    ...fieldLines([[label, "Waiting"]]),
    ...indented(
      fieldLines([
        ["Reason", waiting?.reason],
        ["Message", waiting?.message],
      ]),
    ),
  ];
}

function amounts(label: string, list: object | undefined): readonly string[] {
  const entries = Object.entries(list ?? {});
  return entries.length ? section(label, fieldLines(entries.map(([name, value]) => [name, String(value)]))) : [];
}

function envText({ value, valueFrom }: EnvVar): string {
  if (!valueFrom) return value ?? "";
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef) return `(${fieldRef.apiVersion ?? "v1"}:${fieldRef.fieldPath})`;
  if (resourceFieldRef) return `(${resourceFieldRef.resource})`;
  if (configMapKeyRef) return `<set to the key '${configMapKeyRef.key}' of config map '${configMapKeyRef.name}'>`;
  return `<set to the key '${secretKeyRef?.key}' in secret '${secretKeyRef?.name}'>`;
}

function probeText(probe: Probe): string {
  const {
    initialDelaySeconds = 0,
    timeoutSeconds = 1,
    periodSeconds = 10,
    successThreshold = 1,
    failureThreshold = 3,
  } = probe;
  return `${handlerText(probe)} delay=${initialDelaySeconds}s timeout=${timeoutSeconds}s period=${periodSeconds}s #success=${successThreshold} #failure=${failureThreshold}`;
}

function handlerText({ exec, httpGet, tcpSocket, grpc }: Handler): string {
  if (exec) return `exec [${(exec.command ?? []).join(" ")}]`;
  if (httpGet)
    return `http-get ${(httpGet.scheme ?? "HTTP").toLowerCase()}://${httpGet.host ?? ""}:${httpGet.port}${httpGet.path ?? "/"}`;
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ""}:${tcpSocket.port}`;
  return grpc ? `grpc <pod>:${grpc.port} ${grpc.service ?? ""}` : "unknown";
}

/** One volume. */
export function describeVolume(volume: Volume): readonly string[] {
  const { name, emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim } = volume;
  const fields = (type: string, more: Parameters<typeof fieldLines>[0] = []) => [
    `${name}:`,
    ...indented(fieldLines([["Type", type], ...more])),
  ];
  if (emptyDir)
    return fields("EmptyDir (a temporary directory that shares a pod's lifetime)", [
      ["Medium", emptyDir.medium ?? ""],
      ["SizeLimit", emptyDir.sizeLimit === undefined ? "<unset>" : String(emptyDir.sizeLimit)],
    ]);
  if (hostPath)
    return fields("HostPath (bare host directory volume)", [
      ["Path", hostPath.path],
      ["HostPathType", hostPath.type ?? ""],
    ]);
  if (configMap)
    return fields("ConfigMap (a volume populated by a ConfigMap)", [
      ["Name", configMap.name],
      ["Optional", configMap.optional ?? false],
    ]);
  if (secret)
    return fields("Secret (a volume populated by a Secret)", [
      ["SecretName", secret.secretName],
      ["Optional", secret.optional ?? false],
    ]);
  if (downwardAPI) return fields("DownwardAPI (a volume populated by information about the pod)");
  if (projected) return fields("Projected (a volume that contains injected data from multiple sources)");
  if (persistentVolumeClaim)
    return fields("PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)", [
      ["ClaimName", persistentVolumeClaim.claimName],
      ["ReadOnly", persistentVolumeClaim.readOnly ?? false],
    ]);
  return fields("<unknown>");
}
