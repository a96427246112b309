import { describe, it } from "vitest";
import { cliffyContract } from "./cliffy_contract.ts";

describe("@cliffy/command, as wherry uses it", () => cliffyContract(it));
