import type { FlagTable } from "./verb.ts";

/** Flags that every verb has; kubectl's names. */
export const globalFlags: FlagTable = {
  namespace: { type: "string", short: "n", placeholder: "name", description: "Namespace to work in." },
  context: { type: "string", placeholder: "name", description: "Context of the kubeconfig to use." },
  cluster: { type: "string", placeholder: "name", description: "Cluster of the kubeconfig to use." },
  user: { type: "string", placeholder: "name", description: "User of the kubeconfig to use." },
  kubeconfig: {
    type: "string",
    placeholder: "path",
    description: "Kubeconfig file, in place of $KUBECONFIG and ~/.kube/config.",
  },
  kuberc: {
    type: "string",
    placeholder: "path",
    description:
      "File with your preferences, in place of $KUBERC and ~/.kube/kuberc; KUBERC=off or KUBECTL_KUBERC=false: none.",
  },
  server: { type: "string", short: "s", placeholder: "url", description: "Address of the API server." },
  token: { type: "string", placeholder: "token", description: "Bearer token for the API server." },
  "certificate-authority": {
    type: "string",
    placeholder: "path",
    description: "File with the authorities that the server's certificate is checked against.",
  },
  "client-certificate": { type: "string", placeholder: "path", description: "File with the client's certificate." },
  "client-key": { type: "string", placeholder: "path", description: "File with the client's private key." },
  "tls-server-name": {
    type: "string",
    placeholder: "name",
    description: "Name to expect in the server's certificate.",
  },
  "insecure-skip-tls-verify": { type: "boolean", description: "Do not check the server's certificate." },
  as: { type: "string", placeholder: "user", description: "User to act as." },
  "as-group": { type: "list", placeholder: "group", description: "Group to act as; may be repeated." },
  "as-uid": { type: "string", placeholder: "uid", description: "UID to act as." },
  "as-user-extra": { type: "list", placeholder: "pair", description: "More about the user to act as, as key=value." },
  username: { type: "string", placeholder: "name", description: "Name for basic authentication." },
  password: { type: "string", placeholder: "password", description: "Password for basic authentication." },
  "request-timeout": {
    type: "string",
    placeholder: "duration",
    description: "How long to wait for an answer, e.g. 1s, 2m or 3h; 0 is for ever.",
  },
  "cache-dir": {
    type: "string",
    placeholder: "path",
    description: "Folder that keeps what servers serve; default $KUBECACHEDIR, else ~/.kube/cache.",
  },
  "disable-compression": {
    type: "boolean",
    description: "Do not ask for compressed answers. This program never does; kubectl does without this.",
  },
  "match-server-version": { type: "boolean", description: "Refuse to work with a server of another version." },
  "warnings-as-errors": { type: "boolean", description: "End with exit code 1 when the server warned of something." },
  profile: {
    type: "string",
    default: "none",
    placeholder: "name",
    description: "Note what the program is busy with: cpu or heap, as files that Chrome's developer tools open.",
  },
  "profile-output": {
    type: "string",
    default: "profile.pprof",
    placeholder: "path",
    description: "File to write that to.",
  },
  "log-flush-frequency": {
    type: "string",
    default: "5s",
    placeholder: "duration",
    description: "How long kubectl may keep log lines back. This program keeps none back.",
  },
  vmodule: {
    type: "string",
    placeholder: "pairs",
    description: "Verbosity of single files of kubectl's. This program has one verbosity, -v.",
  },
  v: {
    type: "number",
    short: "v",
    placeholder: "level",
    description:
      "Verbosity: from 1 on errors show where they came from, from 6 on requests are shown, 9 with whole bodies.",
  },
};

/** Whether the global flags want something before or after a verb. */
export function wantsAround(globals: Readonly<Record<string, unknown>>): boolean {
  return globals["matchServerVersion"] === true || (globals["profile"] ?? "none") !== "none";
}
