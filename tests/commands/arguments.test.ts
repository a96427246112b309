import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseArguments } from "../../commands/arguments.ts";
import { defineVerb } from "../../commands/verb.ts";

const globals = {
  namespace: { type: "string", short: "n", description: "" },
  v: { type: "number", short: "v", description: "" },
} as const;
const get = defineVerb({
  name: "get",
  group: "See",
  summary: "",
  words: "<type> [names...]",
  flags: {
    output: { type: "string", short: "o", description: "" },
    watch: { type: "boolean", short: "w", description: "" },
    "all-namespaces": { type: "boolean", short: "A", description: "" },
    filename: { type: "list", short: "f", description: "" },
    "dry-run": { type: "string", implied: "unchanged", description: "" },
    "grace-period": { type: "number", description: "" },
  },
  run: async () => 0,
});
const exec = defineVerb({
  name: "exec",
  group: "See",
  summary: "",
  takesCommand: true,
  flags: {
    stdin: { type: "boolean", short: "i", description: "" },
    tty: { type: "boolean", short: "t", description: "" },
    container: { type: "string", short: "c", description: "" },
  },
  run: async () => 0,
});
const status = defineVerb({ name: "status", group: "See", summary: "", flags: {}, run: async () => 0 });
const rollout = defineVerb({ name: "rollout", aliases: ["ro"], group: "See", summary: "", flags: {}, verbs: [status] });

function parse(line: string) {
  const { path, flags, words, literal, help } = parseArguments(
    line.split(" ").filter(Boolean),
    [get, exec, rollout],
    globals,
  );
  return {
    verb: path.map(({ name }) => name).join(" "),
    flags: flags.map(({ name, value }) => `${name}=${value}`),
    words,
    literal,
    help,
  };
}

describe("parseArguments()", () => {
  it.each([
    ["get pods -owide", ["output=wide"], ["pods"]],
    ["get pods -o wide", ["output=wide"], ["pods"]],
    ["get pods -o=wide", ["output=wide"], ["pods"]],
    ["get pods --output wide", ["output=wide"], ["pods"]],
    ["get -nkube-system pods", ["namespace=kube-system"], ["pods"]],
    ["-n kube-system get pods", ["namespace=kube-system"], ["pods"]],
    ["--namespace=kube-system get pods a b", ["namespace=kube-system"], ["pods", "a", "b"]],
    ["get -Aowide pods", ["all-namespaces=true", "output=wide"], ["pods"]],
    ["get pods --watch=false", ["watch=false"], ["pods"]],
    ["get pods --watch=T", ["watch=true"], ["pods"]],
    ["get --grace-period=0x10 pod", ["grace-period=16"], ["pod"]],
    ["get -f a -f b -f-", ["filename=a", "filename=b", "filename=-"], []],
    ["get --dry-run pod a", ["dry-run=unchanged"], ["pod", "a"]],
    ["get --dry-run=server pod a", ["dry-run=server"], ["pod", "a"]],
    ["get --grace-period -1 pod", ["grace-period=-1"], ["pod"]],
    ["get pods -", [], ["pods", "-"]],
    ["get pods -o json -owide --watch -n a -w=false -n b", ["output=wide", "watch=false", "namespace=b"], ["pods"]],
  ])("reads %s as pflag does", (line, flags, words) => {
    expect(parse(line)).toEqual({ verb: "get", flags, words, literal: [], help: false });
  });

  it("keeps the words after -- for the command", () => {
    expect(parse("exec -itc main web -- sh -c ls --help")).toEqual({
      verb: "exec",
      flags: ["stdin=true", "tty=true", "container=main"],
      words: ["web"],
      literal: ["sh", "-c", "ls", "--help"],
      help: false,
    });
  });

  it("takes the words after -- for words as any, where a verb takes no command", () => {
    expect(parse("get pods -- a -b")).toMatchObject({ words: ["pods", "a", "-b"], literal: [], flags: [] });
    expect(parse("rollout status -- -x")).toMatchObject({ verb: "rollout status", words: ["-x"] });
    expect(() => parse("rollout -- status")).toThrow('unknown command "status"');
  });

  it("finds verbs inside groups, by alias too", () => {
    expect(parse("rollout status deploy/web")).toMatchObject({ verb: "rollout status", words: ["deploy/web"] });
    expect(parse("ro status")).toMatchObject({ verb: "rollout status" });
    expect(parse("get -h")).toMatchObject({ verb: "get", help: true });
  });

  it.each([
    ["get pods --outptu x", 'unknown flag: --outptu (did you mean "output"?)'],
    ["get pods -x", "unknown shorthand flag: 'x' in -x"],
    ["get pods -wx", "unknown shorthand flag: 'x' in -wx"],
    ["get pods --output", "flag needs an argument: --output"],
    ["get pods -o", "flag needs an argument: 'o' in -o"],
    ["gte pods", 'unknown command "gte" for "wherry" (did you mean "get"?)'],
    ["rollout stauts", 'unknown command "stauts" (did you mean "status"?)'],
    ["get pods --watch=maybe", 'invalid argument "maybe" for "-w, --watch" flag: strconv.ParseBool: parsing "maybe"'],
    ["get pods --grace-period=x", 'for "--grace-period" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    ["get pods --grace-period=99999999999999999999", "value out of range"],
    ["get pods --__proto__=1", "unknown flag: --__proto__"],
    ["get pods --constructor x", "unknown flag: --constructor"],
  ])("refuses %s with kubectl's words", (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  it("never loses or invents a positional word, whatever the words are", () => {
    const word = fc.stringMatching(/^[a-z0-9][a-z0-9./-]{0,12}$/);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), fc.boolean(), (words, wide) => {
        const { words: read } = parseArguments(["get", ...(wide ? ["-owide"] : []), ...words], [get], globals);
        expect(read).toEqual(words);
      }),
    );
  });
});
