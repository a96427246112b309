import type { Pod } from "./pod.ts";

/** A port of the node that a pod takes. */
export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

const everyAddress = "0.0.0.0";

/** The ports of its node that a pod takes. */
export function hostPorts({ spec }: Pod): readonly HostPort[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")]
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort }) => hostPort !== undefined && hostPort > 0)
    .map(({ hostIP, hostPort = 0, protocol = "TCP" }) => ({ ip: hostIP || everyAddress, protocol, port: hostPort }));
}

/** Taken ports of one node. Two addresses stay out of each other's way, but none out of that of all addresses. */
export class PortTable {
  /** How often an address is taken, by protocol and port. */
  readonly #taken = new Map<string, Map<string, number>>();

  add(ports: readonly HostPort[]): void {
    for (const { ip, protocol, port } of ports) {
      const key = `${protocol}:${port}`;
      const addresses = this.#taken.get(key) ?? new Map<string, number>();
      this.#taken.set(key, addresses);
      addresses.set(ip, (addresses.get(ip) ?? 0) + 1);
    }
  }

  remove(ports: readonly HostPort[]): void {
    for (const { ip, protocol, port } of ports) {
      const addresses = this.#taken.get(`${protocol}:${port}`);
      const count = (addresses?.get(ip) ?? 0) - 1;
      if (count > 0) addresses?.set(ip, count);
      else addresses?.delete(ip);
      if (addresses?.size === 0) this.#taken.delete(`${protocol}:${port}`);
    }
  }

  conflicts({ ip, protocol, port }: HostPort): boolean {
    const addresses = this.#taken.get(`${protocol}:${port}`);
    if (!addresses) return false;
    return ip === everyAddress || addresses.has(ip) || addresses.has(everyAddress);
  }
}
