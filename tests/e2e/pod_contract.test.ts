import { afterAll, beforeAll, describe } from "vitest";
import { podContractSuite } from "../suites/pod_contract_suite.ts";
import { startUp, type TestCluster, temporaryFolder } from "./harness.ts";

describe("pods as processes", () => {
  const folder = temporaryFolder();
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startUp(folder.path);
  });
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  podContractSuite({ cluster: () => cluster, image: "sh", appArmor: false });
});
