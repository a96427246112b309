import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
} from "../../api/quantity.ts";
import { CelError } from "../errors.ts";
import { type FunctionSet, overload } from "../overload.ts";
import { bool, type CelType, double, int, opaque, string } from "../types.ts";
import { Opaque, type Value } from "../values.ts";

/** An amount such as `100Mi`. */
class QuantityValue extends Opaque {
  override readonly typeName = "kubernetes.Quantity";
  readonly quantity: Quantity;
  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }
  equals(other: Opaque): boolean {
    return other instanceof QuantityValue && other.quantity.nano === this.quantity.nano;
  }
}

const quantityType: CelType = opaque("kubernetes.Quantity");
const one = 1_000_000_000n;
/** What it costs to read one. */
const readCost = 10;

function read(text: string): Quantity {
  try {
    return parseQuantity(text);
  } catch (cause) {
    throw new CelError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    // What is trimmed by the reader is none here.
    return text === text.trim();
  } catch {
    return false;
  }
}

const amount = (value: Value | undefined) => (value as QuantityValue).quantity;
const fromInt = (value: Value | undefined): Quantity => ({ nano: (value as bigint) * one, format: "DecimalSI" });
const isWhole = ({ nano }: Quantity) => nano % one === 0n && BigInt.asIntN(64, nano / one) === nano / one;

const compared = (name: string, result: CelType, holds: (order: number) => Value): FunctionSet => ({
  name,
  member: [overload([quantityType, quantityType], result, ([a, b]) => holds(compareQuantities(amount(a), amount(b))))],
});

const combined = (name: string, combine: (a: Quantity, b: Quantity) => Quantity): FunctionSet => ({
  name,
  member: [
    overload([quantityType, quantityType], quantityType, ([a, b]) => new QuantityValue(combine(amount(a), amount(b)))),
    overload([quantityType, int], quantityType, ([a, b]) => new QuantityValue(combine(amount(a), fromInt(b)))),
  ],
});

/** Functions of quantities. @see https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library */
export const quantityFunctions: readonly FunctionSet[] = [
  {
    name: "quantity",
    global: [
      overload([string], quantityType, ([text], budget) => {
        budget.spend(readCost);
        budget.traverse((text as string).length);
        return new QuantityValue(read(text as string));
      }),
    ],
  },
  { name: "isQuantity", global: [overload([string], bool, ([text]) => isQuantity(text as string))] },
  { name: "isInteger", member: [overload([quantityType], bool, ([value]) => isWhole(amount(value)))] },
  {
    name: "asInteger",
    member: [
      overload([quantityType], int, ([value]) => {
        if (!isWhole(amount(value))) throw new CelError("cannot convert value to integer");
        return amount(value).nano / one;
      }),
    ],
  },
  {
    name: "asApproximateFloat",
    member: [overload([quantityType], double, ([value]) => Number(amount(value).nano) / 1e9)],
  },
  {
    name: "sign",
    member: [overload([quantityType], int, ([value]) => BigInt(Math.sign(Number(amount(value).nano))))],
  },
  combined("add", addQuantities),
  combined("sub", subtractQuantities),
  compared("compareTo", int, (order) => BigInt(Math.sign(order))),
  compared("isGreaterThan", bool, (order) => order > 0),
  compared("isLessThan", bool, (order) => order < 0),
  { name: "string", global: [overload([quantityType], string, ([value]) => formatQuantity(amount(value)))] },
];
