import { CostExceeded } from "./errors.ts";

/** Cost of one expression at most. @see k8s.io/apiserver/pkg/apis/cel PerCallLimit */
export const perCallLimit = 1_000_000;

/**
 * What an evaluation may cost, in Kubernetes' units: roughly one for a step, a tenth for a character. It bounds time and
 * memory: what is about to be done is paid first.
 */
export class Budget {
  spent = 0;
  readonly limit: number;
  constructor(limit: number = perCallLimit) {
    this.limit = limit;
  }

  /** @throws CostExceeded */
  spend(cost: number): void {
    this.spent += cost;
    if (this.spent > this.limit) throw new CostExceeded();
  }

  /** Pays for going once through `size` characters or elements. @throws CostExceeded */
  traverse(size: number, times = 1): void {
    this.spend(Math.ceil(size * 0.1 * times));
  }
}
