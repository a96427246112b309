import { createServer } from "node:net";
import type { Random } from "../core/platform/random.ts";

/** The address ranges of a cluster that lives on one machine's loopback interface. */
export interface LoopbackRanges extends AsyncDisposable {
  /** The X of the ranges. */
  readonly secondByte: number;
  /** Pods' addresses, `127.X.0.0/17`. */
  readonly podRange: string;
  /** Services' addresses, `127.X.128.0/17`. */
  readonly serviceRange: string;
}

/** Second bytes that clusters choose from: 127.0 and the top are left to other programs. */
const lowest = 16;
const highest = 239;
/** A port held on the last address of the range says that the range is taken. */
const claimPort = 10_249;

/**
 * Chooses a /16 of 127.0.0.0/8 that no other running cluster on this machine uses, and holds it until disposed, so that
 * clusters side by side (tests, mostly) never share a pod or service address.
 *
 * @param preferred second byte to try first, e.g. the one used before a restart
 * @throws Error when every range is taken
 */
export async function claimLoopbackRanges({
  random,
  preferred,
}: {
  readonly random: Random;
  readonly preferred?: number | undefined;
}): Promise<LoopbackRanges> {
  const count = highest - lowest + 1;
  const first = preferred ?? lowest + Math.floor(random() * count);
  for (let step = 0; step < count; step++) {
    const secondByte = lowest + ((first - lowest + step) % count);
    const claim = await hold(`127.${secondByte}.255.254`);
    if (claim) {
      return {
        secondByte,
        podRange: `127.${secondByte}.0.0/17`,
        serviceRange: `127.${secondByte}.128.0/17`,
        [Symbol.asyncDispose]: claim,
      };
    }
  }
  throw new Error("Cannot choose addresses for the cluster: every range of 127.0.0.0/8 is in use");
}

/** Nodes for each of which there is a part of a range on the loopback interface, beside the nodes' own addresses. */
const maxLoopbackNodes = 120;

/**
 * The range of a cluster's pods: the one on the loopback interface, or a larger one for pods that are only played and lead
 * nowhere.
 */
export function podRangeOf(
  { podRange }: Pick<LoopbackRanges, "podRange">,
  { isPlayed, nodes }: { readonly isPlayed: boolean; readonly nodes: number },
): string {
  return isPlayed && nodes > maxLoopbackNodes ? "10.128.0.0/9" : podRange;
}

/** The part of 10.96.0.0/12 for services that containers reach: its own for each second byte that a cluster holds. */
export function hostServiceRange(secondByte: number): string {
  return `10.${96 + (secondByte % 16)}.${Math.floor(secondByte / 16) * 16}.0/20`;
}

function hold(host: string): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once("error", () => resolve(undefined));
    server.listen({ host, port: claimPort, exclusive: true }, () => {
      resolve(() => new Promise((closed) => server.close(() => closed())));
    });
  });
}
