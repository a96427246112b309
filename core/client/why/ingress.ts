import { type Ingress, ingressClass, secret, service } from "../../kinds/mod.ts";
import type { Explainer, Reason, WhyContext } from "./explanation.ts";
import { find } from "./look.ts";
import { explainService } from "./service.ts";

const defaultClass = "ingressclass.kubernetes.io/is-default-class";

/** Why an Ingress leads nowhere: its services, its class, its certificates. */
export const explainIngress: Explainer<Ingress> = async (ingress, context) => {
  const addresses = (ingress.status?.loadBalancer?.ingress ?? []).map(({ hostname, ip }) => hostname ?? ip ?? "");
  const reasons = [
    ...(await backendReasons(ingress, context)),
    ...(await secretReasons(ingress, context)),
    ...(addresses.length > 0 ? [] : await classReasons(ingress, context)),
  ];
  const state = addresses.length > 0 ? `at ${addresses.join(", ")}` : "without an address";
  return { state, isWell: reasons.length === 0, reasons };
};

/** Each service that it leads to, with the first host and path that do. */
function backendsOf({ spec }: Ingress) {
  const { defaultBackend, rules = [] } = spec ?? {};
  const all = rules.flatMap(({ host = "", http }) =>
    (http?.paths ?? []).map(({ backend, path = "" }) => ({ from: `${host}${path}`, service: backend.service })),
  );
  return [...all, { from: "its default", service: defaultBackend?.service }].flatMap(({ from, service: to }) =>
    to ? [{ from, name: to.name, port: to.port?.name ?? to.port?.number }] : [],
  );
}

async function backendReasons(ingress: Ingress, context: WhyContext): Promise<readonly Reason[]> {
  const { namespace } = ingress.metadata;
  const reasons: Reason[] = [];
  const seen = new Set<string>();
  for (const { from, name, port } of backendsOf(ingress)) {
    const key = `${name}:${port}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const found = await find(service, { namespace, name }, context);
    if (found === "unknown") continue;
    if (!found) {
      const says = `there is no Service ${name}, which ${from || "every path"} leads to`;
      reasons.push({ stage: "network", says, remedy: `make the Service ${name}, or correct the backend's name` });
      continue;
    }
    const ports = found.spec?.ports ?? [];
    if (port !== undefined && !ports.some((one) => one.name === port || one.port === port)) {
      const present = ports.map((one) => (one.name ? `${one.name} (${one.port})` : one.port)).join(", ");
      reasons.push({ stage: "network", says: `Service ${name} has no port ${port}: it has ${present}` });
      continue;
    }
    const { isWell, reasons: causes } = await explainService(found, context);
    const [cause] = causes;
    if (!isWell && cause) reasons.push({ ...cause, says: `Service ${name}: ${cause.says}` });
  }
  return reasons;
}

async function secretReasons(
  { metadata: { namespace }, spec }: Ingress,
  context: WhyContext,
): Promise<readonly Reason[]> {
  const reasons: Reason[] = [];
  for (const { secretName: name } of spec?.tls ?? []) {
    if (!name || (await find(secret, { namespace, name }, context))) continue;
    const remedy = `wherry create secret tls ${name} --cert=… --key=…`;
    reasons.push({ stage: "network", says: `there is no Secret ${name} with its certificate`, remedy });
  }
  return reasons;
}

/** Who ought to have given it an address. */
async function classReasons({ metadata, spec }: Ingress, context: WhyContext): Promise<readonly Reason[]> {
  const name = spec?.ingressClassName ?? metadata.annotations?.["kubernetes.io/ingress.class"];
  const tell = (says: string, remedy: string): readonly Reason[] => [{ stage: "network", says, remedy }];
  if (name === undefined) {
    const { client, signal } = context;
    const { items } = await client.list(ingressClass, { signal });
    const found = items.find((one) => one.metadata.annotations?.[defaultClass] === "true");
    return found
      ? tell(`the controller of IngressClass ${found.metadata.name} has given it no address yet`, "check that it runs")
      : tell("it has no ingressClassName, and no IngressClass is the default one", "set spec.ingressClassName");
  }
  const found = await find(ingressClass, { name }, context);
  if (!found)
    return tell(
      `there is no IngressClass ${name}`,
      `install the ingress controller ${name}, or correct spec.ingressClassName`,
    );
  const who = found === "unknown" ? "the controller" : `the controller ${found.spec?.controller ?? ""}`;
  return tell(`${who} of IngressClass ${name} has given it no address yet`, "check that it runs");
}
