/** Serves small answers, and asks for them: directly, and through each port it is told. Speaks JSON lines with its parent. */
import { Agent, createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { rate } from "./figure.ts";

const server = createServer((_request, response) => response.end("hello"));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;
console.log(JSON.stringify({ port }));

for await (const line of createInterface({ input: process.stdin })) {
  const { through } = JSON.parse(line) as { readonly through: number };
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const once = new Agent({ keepAlive: false });
  const { perSecond: requests } = await rate(() => ask(through, agent), { clients: 32 });
  const { perSecond: connections } = await rate(() => ask(through, once), { clients: 16 });
  agent.destroy();
  console.log(JSON.stringify({ requests, connections }));
}
process.exit(0);

function ask(through: number, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port: through, agent }, (response) => {
      response.resume();
      response.on("end", resolve);
    }).on("error", reject);
  });
}
