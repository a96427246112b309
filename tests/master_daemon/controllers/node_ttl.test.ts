import { describe, expect, it, vi } from "vitest";
import { Cache } from "../../../core/client/cache.ts";
import { type Node, node } from "../../../core/kinds/mod.ts";
import { nodeTtlController, planNodeTtl } from "../../../master_daemon/controllers/node_ttl.ts";
import { runControllers } from "../../../master_daemon/controllers/runner.ts";
import { openCluster } from "./_cluster.ts";
import { aNode } from "./fixtures.ts";

describe("planNodeTtl()", () => {
  it.each<[nodes: number, before: number, expected: number]>([
    [0, 0, 0],
    [100, 0, 0],
    [101, 0, 15],
    [100, 15, 15],
    [90, 15, 15],
    [89, 15, 0],
    [600, 0, 30],
    [5000, 0, 300],
    [1800, 300, 300],
    [1799, 300, 60],
    [3, 300, 0],
  ])("says of %i nodes, where it was %i s, %i s", (nodes, before, expected) => {
    expect(planNodeTtl(nodes, before)).toBe(expected);
  });
});

it("nodes are not listed when one of them changes, but when they have become many more", () => {
  const nodes = new Cache<Node>();
  const [mapping] = nodeTtlController().watches ?? [];
  const list = vi.spyOn(nodes, "list");
  const toTell = () => mapping?.keys(aNode("n0"), (() => nodes) as never);
  for (let number = 0; number < 100; number++) nodes.set(aNode(`n${number}`), BigInt(number + 1));
  expect(toTell()).toEqual([]);
  expect(list).not.toHaveBeenCalled();
  nodes.set(aNode("n100"), 101n);
  expect(toTell()).toHaveLength(101);
});

it("every node is told anew when the cluster has grown", async () => {
  const { client, parts, until, all, ...common } = await openCluster();
  parts.use(runControllers([nodeTtlController()], { client, ...common }));
  const told = async () =>
    new Set((await all(node)).map(({ metadata }) => metadata.annotations?.["node.alpha.kubernetes.io/ttl"]));
  for (let number = 0; number < 100; number++) await client.create(node, aNode(`n${number}`));
  await until(async () => [...(await told())].join() === "0");
  await client.create(node, aNode("n100"));
  await until(async () => [...(await told())].join() === "15");
  expect(await all(node)).toHaveLength(101);
});
