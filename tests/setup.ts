import process from "node:process";
import fc from "fast-check";

// A failing property prints its seed; WHERRY_SEED=… runs every property from that one.
const seed = process.env["WHERRY_SEED"];
if (seed !== undefined) {
  if (!/^-?\d+$/.test(seed)) throw new Error(`WHERRY_SEED must be a whole number, not ${JSON.stringify(seed)}`);
  fc.configureGlobal({ seed: Number(seed) });
}
