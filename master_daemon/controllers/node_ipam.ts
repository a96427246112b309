import type { ObjectKey } from "../../core/api/meta.ts";
import { type Node, node } from "../../core/kinds/mod.ts";
import { formatCidr, parseCidr, subnet } from "./_cidr.ts";
import type { Controller } from "./controller.ts";

/** Options of {@linkcode nodeIpamController}. */
export interface NodeIpamOptions {
  /** Range from which every node gets a part for its pods. */
  readonly clusterCidr: string;
  /** Prefix length of a node's part. Default 24 (IPv4) or 64 (IPv6). */
  readonly nodeCidrMaskSize?: number | undefined;
}

/**
 * Gives every node a range of pod addresses of its own.
 *
 * @throws RangeError when the cluster's range cannot be read or is smaller than a node's part
 */
export function nodeIpamController({ clusterCidr, nodeCidrMaskSize }: NodeIpamOptions): Controller {
  const { version } = parseCidr(clusterCidr);
  const prefix = nodeCidrMaskSize ?? (version === 4 ? 24 : 64);
  nextPodCidr({ clusterCidr, prefix, used: new Set() });
  /** Given away but perhaps not in the cache yet, by node name. */
  const given = new Map<string, string>();
  return {
    name: "node-ipam-controller",
    account: "node-controller",
    reconciles: node,
    // One at a time: two nodes must not get the same part.
    workers: 1,
    async reconcile(key: ObjectKey, { client, event, lister, signal }) {
      const one = lister(node).get(key);
      if (!one || one.spec?.podCIDR) {
        given.delete(key.name);
        return undefined;
      }
      if (one.metadata.deletionTimestamp) return undefined;
      const used = new Set([...lister(node).list().flatMap(podCidrs), ...given.values()]);
      const podCIDR = nextPodCidr({ clusterCidr, prefix, used });
      if (podCIDR === undefined) {
        const message = `Node ${key.name} status is now: CIDRNotAvailable`;
        event(one, { type: "Normal", reason: "CIDRNotAvailable", message });
        throw new Error("Cannot allocate a pod range: all parts of the cluster's range are taken");
      }
      given.set(key.name, podCIDR);
      try {
        const body = { spec: { podCIDR, podCIDRs: [podCIDR] } };
        await client.patch(node, key, { type: "merge", body }, { signal });
      } catch (error) {
        given.delete(key.name);
        throw error;
      }
      return undefined;
    },
  };
}

/** What the next part of a cluster's range depends on. */
export interface PodCidrRequest {
  readonly clusterCidr: string;
  readonly prefix: number;
  readonly used: ReadonlySet<string>;
}

/**
 * The first part of the cluster's range that no node has; undefined when all are taken. Pure.
 *
 * @throws RangeError when the parts would be larger than the range
 */
export function nextPodCidr({ clusterCidr, prefix, used }: PodCidrRequest): string | undefined {
  const cluster = parseCidr(clusterCidr);
  const bits = cluster.version === 4 ? 32 : 128;
  if (prefix < cluster.prefix || prefix > bits || prefix - cluster.prefix > 16) {
    throw new RangeError(`Cannot divide ${clusterCidr} into parts for nodes: current prefix length is ${prefix}`);
  }
  for (let number = 0; ; number++) {
    const part = subnet(cluster, prefix, number);
    if (!part) return undefined;
    const text = formatCidr(part);
    if (!used.has(text)) return text;
  }
}

function podCidrs({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
}
