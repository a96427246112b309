import { expect, it } from "vitest";
import { service } from "../../core/kinds/service.ts";
import { systemClock } from "../../core/platform/clock.ts";
import { silentLogger } from "../../core/util/log.ts";
import { bootstrapDnsService } from "../../master_daemon/apiserver/bootstrap.ts";
import { startMaster } from "../../master_daemon/master.ts";

const key = { namespace: "kube-system", name: "kube-dns" };
const { signal } = new AbortController();

function start(serviceClusterIpRange: string) {
  return startMaster({ serviceClusterIpRange, clock: systemClock, random: Math.random, log: silentLogger });
}

it("a cluster has the Service kube-dns at its tenth address, and another where that is taken", async () => {
  await using master = await start("127.80.0.0/24");
  const { client } = master;
  const first = await client.get(service, key);
  expect(first.metadata.labels).toMatchObject({ "k8s-app": "kube-dns" });
  expect(first.spec).toMatchObject({
    clusterIP: "127.80.0.10",
    ports: [{ protocol: "UDP", port: 53 }, { protocol: "TCP" }],
  });
  // One that is there stays as it is.
  await bootstrapDnsService(client, { clusterIp: "127.80.0.11", signal });
  expect((await client.get(service, key)).metadata.uid).toBe(first.metadata.uid);

  await client.delete(service, key);
  const metadata = { namespace: "default", name: "early" };
  const spec = { clusterIP: "127.80.0.10", ports: [{ port: 80 }] };
  await client.create(service, { apiVersion: "v1", kind: "Service", metadata, spec });
  await bootstrapDnsService(client, { clusterIp: "127.80.0.10", signal });
  expect((await client.get(service, key)).spec?.clusterIP).toMatch(/^127\.80\.0\.(?!10$)\d+$/);
});

it("a cluster has it at any address in a range without a tenth one", async () => {
  await using master = await start("127.80.1.0/29");
  expect((await master.client.get(service, key)).spec?.clusterIP).toMatch(/^127\.80\.1\.[2-6]$/);
});
