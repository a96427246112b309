/** Objects that transcripts begin with. */

/** A ConfigMap with one entry, `colour: blue` unless told otherwise. */
export function configMap(
  name: string,
  data: Readonly<Record<string, string>> = { colour: "blue" },
  metadata: object = {},
): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...metadata }, data };
}

/** A Deployment of `replicas` pods with one container, `main`, and the label `app` with its name. */
export function deployment(
  name: string,
  {
    replicas = 1,
    spec = {},
    metadata = {},
  }: { readonly replicas?: number; readonly spec?: object; readonly metadata?: object } = {},
): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels, ...metadata },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "nginx:1" }] } },
      ...spec,
    },
  };
}

/** A Pod with one container, `main`. */
export function pod(
  name: string,
  { labels = {}, spec = {} }: { readonly labels?: object; readonly spec?: object } = {},
): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels },
    spec: { containers: [{ name: "main", image: "nginx:1" }], ...spec },
  };
}

/** A Service of type ClusterIP for the pods with the label `app`. */
export function service(name: string, spec: object = {}): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80 }], ...spec },
  };
}

/** A Node that nobody runs. Name it with `$NS`. */
export function node(name: string, spec: object = {}): object {
  return { apiVersion: "v1", kind: "Node", metadata: { name }, spec };
}
