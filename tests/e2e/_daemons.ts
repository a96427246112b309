import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Client } from "../../core/client/client.ts";
import { adminOf, ownAddress, type Running, start, wherry } from "./harness.ts";

const token = "0123456789abcdef";

/** A port that was free a moment ago: a master that comes back has to be where it was. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

/** Starts a master by itself. */
export async function startMaster(folder: string, port: number): Promise<Running> {
  writeFileSync(join(folder, "tokens.csv"), `${token},admin,1,"system:masters"\n`, { mode: 0o600 });
  const running = start(
    [
      ...[...wherry, "master", "--data-dir", join(folder, "master"), "--secure-port", String(port)],
      ...["--token-auth-file", join(folder, "tokens.csv")],
      // Ranges that no whole cluster chooses, the same ones each time.
      ...["--cluster-cidr", `127.${240 + (port % 10)}.${2 * (port % 127)}.0/24`],
      ...["--service-cluster-ip-range", `127.${240 + (port % 10)}.${2 * (port % 127) + 1}.0/24`],
    ],
    { env: { HOME: folder } },
  );
  await running.printed(/The API is ready at/);
  return running;
}

/**
 * Starts a node daemon by itself, with the process runtime unless its flags say otherwise.
 *
 * @param options.before words that it stands behind, such as a namespace of mounts of its own
 */
export async function startNode(
  folder: string,
  port: number,
  {
    flags = [],
    before = [],
    env = {},
  }: {
    readonly flags?: readonly string[];
    readonly before?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Running> {
  const running = start(
    [
      ...[...before, ...wherry, "node", "--server", `https://127.0.0.1:${port}`, "--token", token],
      ...["--certificate-authority", join(folder, "master", "pki", "ca.crt"), "--root-dir", join(folder, "node")],
      ...["--hostname-override", "worker", "--node-ip", "127.0.0.1", "--address", "127.0.0.1", "--port", "0"],
      ...["--container-runtime", "process", "--nodeport-addresses", ownAddress(), ...flags],
    ],
    { env: { HOME: folder, ...env } },
  );
  await running.printed(/Node \S+ is ready/);
  return running;
}

/** A client of such a master, as its administrator. */
export function openClient(folder: string, port: number): Promise<Client> {
  return adminOf(`https://127.0.0.1:${port}`, join(folder, "master", "pki", "ca.crt"), token);
}
