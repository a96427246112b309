/** The contract against the real package, from JSR: `deno task test:contract`. */
import { it } from "node:test";
import { cliffyContract } from "./cliffy_contract.ts";

cliffyContract(it);
