import {
  addQuantities,
  canonicalQuantity,
  formatQuantity,
  milliValue,
  parseQuantity,
  type Quantity,
  value,
} from "../../core/api/quantity.ts";
import { isReason } from "../../core/api/status.ts";
import { lease } from "../../core/kinds/lease.ts";
import type { Node } from "../../core/kinds/node.ts";
import { type Container, type Pod, pod, type ResourceList } from "../../core/kinds/pod.ts";
import { type ResourceSlice, resourceSlice } from "../../core/kinds/resource_slice.ts";
import { errorMessage } from "../../core/util/log.ts";
import {
  type DescribeContext,
  type Describer,
  metadataLines,
  multiline,
  since,
  sortedEntries,
  timeText,
} from "./common.ts";
import { eventLines, eventsOf } from "./events.ts";
import type { Page } from "./page.ts";

/** A node with what it has, what its pods take of it, and who they are. */
export const describeNode: Describer = async (object, page, context) => {
  const { metadata, spec = {}, status = {} } = object as Node;
  const { name = "" } = metadata;
  page.line(0, `Name:\t${name}`);
  page.line(0, `Roles:\t${rolesOf(metadata.labels).join(",") || "<none>"}`);
  metadataLines(page, object);
  page.line(0, `CreationTimestamp:\t${timeText(metadata.creationTimestamp)}`);
  const taints = [...(spec.taints ?? [])].sort((a, b) => (`${a.effect},${a.key}` < `${b.effect},${b.key}` ? -1 : 1));
  multiline(
    page,
    "Taints",
    taints.map(({ key, value, effect }) => `${key}${value ? `=${value}` : ""}:${effect}`),
  );
  page.line(0, `Unschedulable:\t${spec.unschedulable ?? false}`);
  await leaseLines(page, name, context);
  const conditions = status.conditions ?? [];
  if (conditions.length > 0) {
    page.line(0, "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for (const one of conditions) {
      page.line(
        1,
        `${one.type} \t${one.status} \t${timeText(one.lastHeartbeatTime)} \t${timeText(one.lastTransitionTime)} \t${one.reason ?? ""} \t${one.message ?? ""}`,
      );
    }
  }
  page.line(0, "Addresses:");
  for (const { type, address } of status.addresses ?? []) page.line(1, `${type}:\t${address}`);
  amountLines(page, "Capacity", status.capacity);
  amountLines(page, "Allocatable", status.allocatable);
  await sliceLines(page, name, context);
  const info = status.nodeInfo;
  page.line(0, "System Info:");
  for (const [title, text] of [
    ["Machine ID", info?.machineID],
    ["System UUID", info?.systemUUID],
    ["Boot ID", info?.bootID],
    ["Kernel Version", info?.kernelVersion],
    ["OS Image", info?.osImage],
    ["Operating System", info?.operatingSystem],
    ["Architecture", info?.architecture],
    ["Container Runtime Version", info?.containerRuntimeVersion],
    ["Kubelet Version", info?.kubeletVersion],
  ])
    page.line(1, `${title}:\t${text ?? ""}`);
  if (spec.podCIDR) page.line(0, `PodCIDR:\t${spec.podCIDR}`);
  if (spec.podCIDRs?.length) page.line(0, `PodCIDRs:\t${spec.podCIDRs.join(",")}`);
  if (spec.providerID) page.line(0, `ProviderID:\t${spec.providerID}`);
  const pods = await podsOf(name, context);
  if (pods) podLines(page, pods, status, context);
  else page.line(0, "Pods:\tnot authorized");
  if (!context.showEvents) return;
  // Controllers name a node by its uid, kubelets by its name.
  const [byUid, byName] = await Promise.all(
    [metadata.uid, name].map((uid) => eventsOf({ name, namespace: "", kind: "Node", uid }, context)),
  );
  eventLines(page, [...(byUid ?? []), ...(byName ?? [])], context);
};

function rolesOf(labels: { readonly [name: string]: string } | undefined): readonly string[] {
  return Object.entries(labels ?? {})
    .flatMap(([key, value]) => {
      if (key.startsWith("node-role.kubernetes.io/")) return [key.slice("node-role.kubernetes.io/".length)];
      return key === "kubernetes.io/role" && value ? [value] : [];
    })
    .filter(Boolean)
    .sort();
}

async function leaseLines(page: Page, name: string, { client, signal }: DescribeContext): Promise<void> {
  try {
    const { spec } = await client.get(lease, { namespace: "kube-node-lease", name }, { signal });
    page.line(0, "Lease:");
    page.line(1, `HolderIdentity:\t${spec?.holderIdentity ?? "<unset>"}`);
    page.line(1, `AcquireTime:\t${spec?.acquireTime ? timeText(spec.acquireTime) : "<unset>"}`);
    page.line(1, `RenewTime:\t${spec?.renewTime ? timeText(spec.renewTime) : "<unset>"}`);
  } catch (error) {
    if (signal.aborted) throw error;
    page.line(0, `Lease:\tFailed to get lease: ${errorMessage(error)}`);
  }
}

function amountLines(page: Page, title: string, list: ResourceList | undefined): void {
  const entries = sortedEntries(list);
  if (entries.length === 0) return;
  page.line(0, `${title}:`);
  for (const [name, amount] of entries) page.line(1, `${name}:\t${canonicalQuantity(amount)}`);
}

/** Pools of devices that are shown; of more it is said how many. */
const maxPools = 10;

async function sliceLines(page: Page, name: string, { client, signal }: DescribeContext): Promise<void> {
  const { items } = await client
    .list(resourceSlice, { fieldSelector: `spec.nodeName=${name}`, signal })
    .catch(() => ({ items: [] as readonly ResourceSlice[] }));
  const pools = new Map<string, { readonly driver: string; readonly pool: string; slices: number; devices: number }>();
  for (const { spec } of items) {
    const key = `${spec.driver}/${spec.pool?.name}`;
    const pool = pools.get(key) ?? { driver: spec.driver ?? "", pool: spec.pool?.name ?? "", slices: 0, devices: 0 };
    pool.slices++;
    pool.devices += spec.devices?.length ?? 0;
    pools.set(key, pool);
  }
  if (pools.size === 0) return;
  page.line(0, "Node-Local ResourceSlices:");
  page.line(1, "Driver\tPool\tSlices\tDevices");
  page.line(1, "------\t----\t------\t-------");
  const sorted = [...pools].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pool]) => pool);
  for (const { driver, pool, slices, devices } of sorted.slice(0, maxPools))
    page.line(1, `${driver}\t${pool}\t${slices}\t${devices}`);
  if (sorted.length > maxPools) page.line(1, `...and ${sorted.length - maxPools} more pools`);
}

async function podsOf(
  node: string,
  { client, signal, chunkSize }: DescribeContext,
): Promise<readonly Pod[] | undefined> {
  const fieldSelector = `spec.nodeName=${node},status.phase!=Succeeded,status.phase!=Failed`;
  const pods: Pod[] = [];
  let next: string | undefined;
  try {
    do {
      const list = await client.list(pod, { fieldSelector, limit: chunkSize || undefined, continue: next, signal });
      pods.push(...list.items);
      next = list.metadata.continue || undefined;
    } while (next);
  } catch (error) {
    if (isReason(error, "Forbidden")) return undefined;
    throw error;
  }
  return pods;
}

type Amounts = ReadonlyMap<string, Quantity>;

function podLines(
  page: Page,
  pods: readonly Pod[],
  status: NonNullable<Node["status"]>,
  context: DescribeContext,
): void {
  const allocatable = new Map(
    Object.entries((Object.keys(status.allocatable ?? {}).length > 0 ? status.allocatable : status.capacity) ?? {}).map(
      ([name, amount]) => [name, parseQuantity(amount)],
    ),
  );
  const share = (name: string, amounts: Amounts) => {
    const amount = amounts.get(name);
    const whole = allocatable.get(name);
    const size = name === "cpu" ? milliValue : value;
    const part = amount && whole && size(whole) !== 0 ? Math.trunc((size(amount) / size(whole)) * 100) : 0;
    return `${amount ? formatQuantity(amount) : "0"} (${part}%)`;
  };
  page.line(0, `Non-terminated Pods:\t(${pods.length} in total)`);
  page.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
  page.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
  const totals = { requests: new Map<string, Quantity>(), limits: new Map<string, Quantity>() };
  for (const one of pods) {
    const requests = podAmounts(one, "requests");
    const limits = podAmounts(one, "limits");
    add(totals.requests, requests);
    add(totals.limits, limits);
    const cells = [share("cpu", requests), share("cpu", limits), share("memory", requests), share("memory", limits)];
    const { namespace, name, creationTimestamp } = one.metadata;
    page.line(1, `${namespace}\t${name}\t\t${cells.join("\t")}\t${since(creationTimestamp, context)}`);
  }
  page.line(0, "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)");
  page.line(1, "Resource\tRequests\tLimits");
  page.line(1, "--------\t--------\t------");
  const names = [...allocatable.keys()].sort();
  const shared = ["cpu", "memory", "ephemeral-storage", ...names.filter((name) => name.startsWith("hugepages-"))];
  for (const name of shared) page.line(1, `${name}\t${share(name, totals.requests)}\t${share(name, totals.limits)}`);
  for (const name of names.filter((one) => !shared.includes(one) && !["pods", "storage"].includes(one))) {
    const text = (amounts: Amounts) => formatQuantity(amounts.get(name) ?? parseQuantity("0"));
    page.line(1, `${name}\t${text(totals.requests)}\t${text(totals.limits)}`);
  }
}

function add(total: Map<string, Quantity>, amounts: Amounts): void {
  for (const [name, amount] of amounts) {
    const sum = total.get(name);
    total.set(name, sum ? addQuantities(sum, amount) : amount);
  }
}

/** What a pod takes at most at a time: its containers together, or one init container, with what its runtime takes. */
function podAmounts({ spec }: Pod, which: "requests" | "limits"): Amounts {
  const of = ({ resources }: Container): Amounts =>
    new Map(Object.entries(resources?.[which] ?? {}).map(([name, amount]) => [name, parseQuantity(amount)]));
  const total = new Map<string, Quantity>();
  for (const container of spec.containers) add(total, of(container));
  const sidecars = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const own = new Map(of(container));
    if (container.restartPolicy === "Always") {
      add(sidecars, own);
      add(total, own);
      continue;
    }
    add(own, sidecars);
    for (const [name, amount] of own) {
      const known = total.get(name);
      if (!known || milliValue(amount) > milliValue(known)) total.set(name, amount);
    }
  }
  const whole = (spec as { readonly resources?: Container["resources"] }).resources?.[which];
  for (const [name, amount] of Object.entries(whole ?? {})) total.set(name, parseQuantity(amount));
  for (const [name, amount] of Object.entries(spec.overhead ?? {}))
    if (which === "requests" || total.has(name)) add(total, new Map([[name, parseQuantity(amount)]]));
  return total;
}
