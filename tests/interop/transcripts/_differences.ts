/** A difference between kubectl and wherry that is meant, and what hides it on both sides. */
interface Difference {
  /** Why it is there. */
  readonly reason: string;
  /** Versions of kubectl that differ: below this minor. Default: all. */
  readonly below?: number;
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Every difference that is meant. What is not listed here fails. */
const known: readonly Difference[] = [
  {
    reason: "Until 1.35 the profile is `legacy` unless another is named, and kubectl says nothing of when it goes",
    below: 36,
    pattern: /^--profile=legacy is deprecated and .*\n/gm,
    replacement: "",
  },
  {
    reason:
      "Newer kubectls say of a refused exec that the connection could not be upgraded, and not why the server refused",
    pattern: /^error: unable to upgrade connection: (?=.* is forbidden: )/gm,
    replacement: "Error from server (Forbidden): ",
  },
  {
    reason: "kubectl may have ended before it prints what tar says of a copy's paths",
    pattern: /^\S*tar: Removing leading .*\n/gm,
    replacement: "",
  },
  {
    reason: "kubectl says some warnings through its logger, with time and place in front",
    pattern: /^W\d{4} [\d:.]+ +(?:\d+|<port>) \w+\.go:\d+\] /gm,
    replacement: "Warning: ",
  },
  {
    reason:
      "Before 1.34 kubectl does not see that a set has a revision's template already, where a server leaves the empty time out of it",
    pattern:
      /^(daemonset|statefulset)(\.apps\/\S+) skipped rollback \(current template already matches revision \d+\)$/gm,
    replacement: "$1$2 rolled back",
  },
  {
    reason: "wherry ends the line that says what of a kuberc file it does not know",
    pattern: /(ignoring strict decoding error in .*unknown field "[^"]*")\n?(?=\S)/g,
    replacement: "$1\n",
  },
  {
    reason: "Of an alias with a wrong value kubectl names its own path, wherry the alias",
    pattern: /(could not apply value \S+ to flag \S+ in alias) \S+/g,
    replacement: "$1",
  },
  {
    reason: "wherry says how a condition is named",
    pattern: /(unrecognized condition: "[^"]*"); use --for=condition=\S+/g,
    replacement: "$1",
  },
  {
    reason: "Until 1.33 kubectl says what it cannot do twice over",
    below: 34,
    pattern: /cannot delete cannot delete/g,
    replacement: "cannot delete",
  },
  {
    reason: "wherry says what was probably meant",
    pattern: /;? \(?did you mean "[^"]*"\?\)?/g,
    replacement: "",
  },
  {
    reason: "The same, of metadata in which nothing else stands",
    below: 34,
    pattern: /^( *metadata:) \{\}$/gm,
    replacement: "$1",
  },
  {
    reason: "The same in JSON, of metadata in which nothing else stands",
    below: 34,
    pattern: /\{\n *"creationTimestamp": null\n *\}/g,
    replacement: "{}",
  },
  {
    reason: "Until 1.33 kubectl writes out that what is not created yet has no time of creation",
    below: 34,
    pattern: /,(?=\n *"creationTimestamp": null\n)|^ *"?creationTimestamp"?: null,?\n/gm,
    replacement: "",
  },
  {
    reason: "Since 1.34 delete says from where; wherry does as the newest",
    below: 34,
    pattern: /(deleted) from \S+ namespace/g,
    replacement: "$1",
  },
  {
    reason: "Before 1.34 a kubeconfig is printed with preferences that nobody set; wherry prints it as the newest",
    below: 34,
    pattern: /^preferences: \{\}\n|^ {4}"preferences": \{\},\n/gm,
    replacement: "",
  },
  {
    reason: "Before 1.34 an unknown container is not set against those there are; wherry says it as the newest",
    below: 34,
    pattern: /(container \S+ is not valid for pod \S+) out of: .*/g,
    replacement: "$1",
  },
  {
    reason:
      "Before 1.34 exec leaves it to the server to refuse an unknown container, and attach has other words for it",
    below: 34,
    pattern: /^(Error from server \(BadRequest\): |error: )(.*container \S+ )(is not valid for|not found in) pod/gm,
    replacement: "error: $2is not valid for pod",
  },
  {
    reason: "Until 1.34 kyaml is no format that kubectl lists",
    below: 35,
    pattern: /,kyaml(?=,)/g,
    replacement: "",
  },
  {
    reason: "Since 1.36 describe of a service account names no secrets but those for pulling images",
    below: 36,
    pattern: /^(Mountable secrets|Tokens): .*\n/gm,
    replacement: "",
  },
  {
    reason: "Since 1.36 describe shows no events of several objects",
    below: 36,
    pattern: /^Events: +<none>\n/gm,
    replacement: "",
  },
  {
    reason: "kube-proxy's version is no longer a field of nodes; kubectl says so since 1.34",
    below: 34,
    pattern: /^ +Kube-Proxy Version: .*\n/gm,
    replacement: "",
  },
  {
    reason: "Since 1.36 describe says which port has which name",
    below: 36,
    pattern: /^( +(?:Host )?Ports?: .*)$/gm,
    replacement: "<ports>",
  },
  {
    reason: "Since 1.36 describe says a cron job's time zone",
    below: 36,
    pattern: /^Time Zone: .*\n/gm,
    replacement: "",
  },
  {
    reason: "Since 1.34 an attach says first that what is typed is recorded",
    below: 34,
    pattern: /^All commands and output from this session will be recorded in container logs.*\n/gm,
    replacement: "",
  },
];

/** `text` of either side without the differences from a kubectl of this minor version. */
export function maskDifferences(text: string, minor: number): string {
  return known.reduce(
    (masked, { below = Number.POSITIVE_INFINITY, pattern, replacement }) =>
      minor < below ? masked.replace(pattern, replacement) : masked,
    text,
  );
}
