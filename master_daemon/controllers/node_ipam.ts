import type { ObjectKey } from "../../core/api/meta.ts";
import { type Node, node } from "../../core/kinds/mod.ts";
import { formatCidr, parseCidr, subnet } from "./_cidr.ts";
import { type Controller, watching } from "./controller.ts";

const byPodCidr = "podCIDR";

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
  nextPodCidr({ clusterCidr, prefix, isUsed: () => false });
  /** Given away but perhaps not in the cache yet, by node name. */
  const given = new Map<string, string>();
  const givenParts = new Set<string>();
  /** Nodes for which there was no part. */
  const without = new Map<string, ObjectKey>();
  const forget = (name: string) => {
    givenParts.delete(given.get(name) ?? "");
    given.delete(name);
  };
  let from = 0;
  let isFull = false;
  return {
    name: "node-ipam-controller",
    account: "node-controller",
    reconciles: node,
    watches: [
      watching({
        kind: node,
        indexes: { [byPodCidr]: podCidrs },
        // Whose node is gone may have had the part that they wait for.
        keys({ metadata: { name = "" } }, lister) {
          if (without.size === 0 || lister(node).get({ name })) return [];
          isFull = false;
          return [...without.values()];
        },
      }),
    ],
    // One at a time: two nodes must not get the same part.
    workers: 1,
    async reconcile(key: ObjectKey, { client, event, lister, signal }) {
      const one = lister(node).get(key);
      const waits = without.delete(key.name);
      if (!one) isFull = false;
      if (!one || one.spec?.podCIDR) {
        forget(key.name);
        return undefined;
      }
      if (one.metadata.deletionTimestamp) return undefined;
      const isUsed = (part: string) => givenParts.has(part) || lister(node).byIndex(byPodCidr, part).length > 0;
      const found = isFull ? undefined : nextPodCidr({ clusterCidr, prefix, isUsed, from });
      if (!found) {
        isFull = true;
        without.set(key.name, key);
        const message = `Node ${key.name} status is now: CIDRNotAvailable`;
        if (!waits) event(one, { type: "Normal", reason: "CIDRNotAvailable", message });
        return undefined;
      }
      const { podCIDR } = found;
      from = found.next;
      given.set(key.name, podCIDR);
      givenParts.add(podCIDR);
      try {
        const body = { spec: { podCIDR, podCIDRs: [podCIDR] } };
        await client.patch(node, key, { type: "merge", body }, { signal });
      } catch (error) {
        forget(key.name);
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
  isUsed(part: string): boolean;
  /** Number of the part with which the search begins; after the last one comes the first. Default 0. */
  readonly from?: number;
}

/**
 * A part of the cluster's range that no node has, and the number of the part behind it; undefined when all are taken. Pure.
 *
 * @throws RangeError when the parts would be larger than the range
 * @see https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/nodeipam/ipam/cidrset/cidr_set.go
 */
export function nextPodCidr({
  clusterCidr,
  prefix,
  isUsed,
  from = 0,
}: PodCidrRequest): { readonly podCIDR: string; readonly next: number } | undefined {
  const cluster = parseCidr(clusterCidr);
  const bits = cluster.version === 4 ? 32 : 128;
  if (prefix < cluster.prefix || prefix > bits || prefix - cluster.prefix > 16) {
    throw new RangeError(`Cannot divide ${clusterCidr} into parts for nodes: current prefix length is ${prefix}`);
  }
  const count = 2 ** (prefix - cluster.prefix);
  for (let tried = 0; tried < count; tried++) {
    const number = (from + tried) % count;
    const part = subnet(cluster, prefix, number);
    const podCIDR = part && formatCidr(part);
    if (podCIDR !== undefined && !isUsed(podCIDR)) return { podCIDR, next: (number + 1) % count };
  }
  return undefined;
}

function podCidrs({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []);
}
