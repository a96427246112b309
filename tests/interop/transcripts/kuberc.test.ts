import { configMap } from "./_objects.ts";
import { type Transcript, transcripts } from "./_transcripts.ts";

/** A kuberc file of a version. */
function kuberc(preference: object, version = "v1beta1"): object {
  return { apiVersion: `kubectl.config.k8s.io/${version}`, kind: "Preference", ...preference };
}

const given = [configMap("one"), configMap("two")];
const preferences = kuberc({
  aliases: [
    {
      name: "mk",
      command: "create cm",
      prependArgs: ["made"],
      appendArgs: ["--from-literal=b=2"],
      options: [
        { name: "dry-run", default: "client" },
        { name: "output", default: "yaml" },
      ],
    },
    { name: "maps", command: "get", prependArgs: ["cm"], options: [{ name: "output", default: "name" }] },
    { name: "get", command: "delete" },
    {
      name: "runx",
      command: "run",
      appendArgs: ["p", "--", "sleep", "1"],
      options: [
        { name: "image", default: "nginx" },
        { name: "dry-run", default: "client" },
        { name: "output", default: "jsonpath={.spec.containers[0].args}" },
      ],
    },
    { name: "setx", command: "set image", options: [{ name: "local", default: "true" }] },
    { name: "bad", command: "nonsense x" },
    { name: "badvalue", command: "create cm", options: [{ name: "append-hash", default: "x" }] },
  ],
  defaults: [
    { command: "get", options: [{ name: "output", default: "name" }] },
    {
      command: "create secret generic",
      options: [
        { name: "dry-run", default: "client" },
        { name: "output", default: "name" },
      ],
    },
    { command: "label", options: [{ name: "nope", default: "x" }] },
    { command: "annotate", options: [{ name: "all", default: "x" }] },
    { command: "delete", options: [{ name: "wait", default: "f" }] },
  ],
});

/** Each line with the preferences, which are named on it. */
function each(preference: object, ...lines: readonly string[]): readonly Transcript[] {
  return lines.map((line) => ({
    since: 36,
    given,
    files: { kuberc: preference },
    lines: [`${line} --kuberc=$DIR/kuberc`],
  }));
}

transcripts("kuberc", [
  ...each(
    preferences,
    "mk --from-literal=a=1",
    "mk -o name",
    "mk -oname --dry-run=server",
    "mk --output=jsonpath={.data} --from-literal=a=1",
    "maps",
    "maps one --no-headers -o custom-columns=N:.metadata.name",
    "maps one two",
    "maps -l app=none",
    "get cm one",
    "get cm one -o jsonpath={.data}",
    "get cm one -ojsonpath={.data}",
    "create secret generic s",
    "create secret generic s -o yaml",
    "create secret generic s --output=name --dry-run=client",
    "label cm one a=b",
    "label cm one a=b --all",
    "annotate cm one a=b",
    "delete cm one",
    "bad",
    "badvalue x",
    "kuberc view",
    "kuberc view -o json",
    "kuberc view -o name",
    "kuberc view -o jsonpath={.aliases[1]}",
  ),
  {
    name: "an alias with words behind --",
    since: 36,
    files: { kuberc: preferences },
    lines: ["runx --kuberc $DIR/kuberc", "--kuberc=$DIR/kuberc get cm -o name"],
  },
  ...each(
    kuberc(
      {
        overrides: [{ command: "get", flags: [{ name: "output", default: "name" }] }],
        aliases: [
          { name: "maps", command: "get", prependArgs: ["cm"], flags: [{ name: "no-headers", default: "true" }] },
        ],
      },
      "v1alpha1",
    ),
    "get cm",
    "maps one -o custom-columns=N:.metadata.name",
  ),
  ...each(kuberc({ aliases: [{ name: "a1", command: "get" }] }), "get cm"),
  ...each(
    kuberc({
      aliases: [
        { name: "a", command: "get" },
        { name: "a", command: "get" },
      ],
    }),
    "get cm",
  ),
  ...each(kuberc({ aliases: [{ name: "a", command: "get", options: [{ name: "-o", default: "x" }] }] }), "get cm"),
  ...each(
    kuberc({
      aliases: [{ name: "a", command: "get" }],
      defaults: [{ command: "a", options: [] }, { command: "get nonsense" }, { command: "nonsense" }],
    }),
    "a cm",
    "get cm one -o name",
  ),
  ...each(
    kuberc({
      aliases: [{ name: "a", foo: 1, command: "get", options: [{ name: "output", default: "name", x: 1 }] }],
      y: 1,
    }),
    "a cm",
    "kuberc view",
  ),
  ...each(kuberc({ aliases: 5 }), "get cm"),
  ...each(kuberc({ defaults: [{ command: "get", options: [{ name: "output", default: true }] }] }), "get cm"),
  ...each(kuberc({}, "v9"), "get cm"),
  ...each(kuberc({ credentialPluginPolicy: "X" }), "get cm"),
  ...each(kuberc({ credentialPluginPolicy: "Allowlist" }), "get cm"),
  ...each(kuberc({ credentialPluginPolicy: "Allowlist", credentialPluginAllowlist: [] }), "get cm"),
  ...each(kuberc({ credentialPluginPolicy: "Allowlist", credentialPluginAllowlist: [{ command: "" }] }), "get cm"),
  ...each(
    kuberc({ credentialPluginPolicy: "Allowlist", credentialPluginAllowlist: [{ command: "./a/../b/" }] }),
    "get cm",
  ),
  ...each(kuberc({ credentialPluginPolicy: "DenyAll", credentialPluginAllowlist: [{ command: "a" }] }), "get cm"),
  {
    name: "a kuberc that is not there",
    since: 36,
    lines: ["get cm --kuberc=$DIR/missing", "get cm --kuberc", "get cm --kuberc="],
  },
  {
    name: "several documents, an empty file, and none that is YAML",
    since: 36,
    given,
    files: {
      several: `a: b\n---\n${JSON.stringify(kuberc({ aliases: [{ name: "maps", command: "get cm" }] }))}\n`,
      empty: "",
      broken: "a: [",
    },
    lines: ["maps cm --kuberc=$DIR/several", "get cm --kuberc=$DIR/empty", "get cm --kuberc=$DIR/broken"],
  },
  {
    name: "$KUBERC names the file, or is off; KUBECTL_KUBERC switches it off",
    since: 36,
    given,
    files: { kuberc: preferences },
    lines: [
      { line: "maps", env: { KUBERC: "$DIR/kuberc" } },
      { line: "get cm one -o name", env: { KUBERC: "$DIR/missing" } },
      { line: "get cm one", env: { KUBERC: "off" } },
      { line: "get cm one --kuberc=$DIR/kuberc", env: { KUBERC: "off" } },
      { line: "kuberc view", env: { KUBERC: "off" } },
      { line: "get cm one -o jsonpath={.data}", env: { KUBERC: "$DIR/kuberc", KUBECTL_KUBERC: "false" } },
    ],
  },
  {
    name: "kuberc set writes values of flags, aliases and the policy",
    since: 36,
    given,
    files: { kuberc: kuberc({}) },
    lines: [
      "kuberc set --kuberc=$DIR/kuberc --section defaults --command get --option output=name --option --no-headers=true",
      "get cm --kuberc=$DIR/kuberc",
      "kuberc set --kuberc=$DIR/kuberc --section defaults --command get --option output=json",
      "kuberc set --kuberc=$DIR/kuberc --section defaults --command get --overwrite --option output=name",
      "kuberc set --kuberc=$DIR/kuberc --section aliases --name maps --command get --prependarg cm --appendarg one",
      "kuberc set --kuberc=$DIR/kuberc --section aliases --name maps --command get",
      "kuberc set --kuberc=$DIR/kuberc --section aliases --name maps --command get --overwrite --option output=name",
      "maps --kuberc=$DIR/kuberc",
      "kuberc set --kuberc=$DIR/kuberc --section credentialplugin --policy Allowlist --allowlist-entry command=a,command=b",
      "kuberc view --kuberc=$DIR/kuberc",
      "kuberc view --kuberc=$DIR/kuberc -o json",
    ],
  },
  {
    name: "kuberc set refuses",
    since: 36,
    files: { kuberc: kuberc({}) },
    lines: [
      "set",
      "set --section x",
      "set --section aliases --command get",
      "set --section defaults --command get --name x",
      "set --section defaults",
      "set --section defaults --command get --prependarg a",
      "set --section credentialplugin",
      "set --section credentialplugin --policy x",
      "set --section credentialplugin --policy Allowlist",
      "set --section credentialplugin --policy AllowAll --allowlist-entry command=a",
      "set --section credentialplugin --policy Allowlist --allowlist-entry name=a",
      "set --section credentialplugin --policy Allowlist --allowlist-entry x=a",
      "set --section credentialplugin --policy Allowlist --allowlist-entry x --allowlist-entry command=",
      "set --section defaults --command get --option x",
    ].map((line) => `kuberc ${line} --kuberc=$DIR/kuberc`),
  },
]);
