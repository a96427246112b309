import { isReason } from "../core/api/status.ts";
import {
  type CertificateSigningRequest,
  certificateSigningRequest,
} from "../core/kinds/certificate_signing_request.ts";
import { timestamp } from "../core/util/clock.ts";
import { manifestFlags, namesManifests } from "./manifests.ts";
import { objectPrinter, printFlags } from "./output/object_printer.ts";
import { findTargets } from "./targets.ts";
import { defineVerb, UsageError, type Verb } from "./verb.ts";
import { printerOptions } from "./write_flags.ts";

const maxTries = 10;

/** Approves and denies requests for certificates. */
export const certificate: Verb = defineVerb({
  name: "certificate",
  group: "Change",
  summary: "Approve and deny requests for certificates.",
  flags: {},
  verbs: [
    decidingVerb({
      name: "approve",
      done: "approved",
      condition: "Approved",
      other: "Denied",
      reason: "KubectlApprove",
    }),
    decidingVerb({ name: "deny", done: "denied", condition: "Denied", other: "Approved", reason: "KubectlDeny" }),
  ],
});

interface Decision {
  readonly name: "approve" | "deny";
  readonly done: string;
  readonly condition: string;
  readonly other: string;
  readonly reason: string;
}

function decidingVerb({ name, done, condition, other, reason }: Decision): Verb {
  return defineVerb({
    name,
    group: "Change",
    summary: name === "approve" ? "Let a certificate be issued." : "Refuse to have a certificate issued.",
    words: "[names...]",
    flags: {
      ...manifestFlags,
      ...printFlags,
      force: { type: "boolean", description: "Write it even if it was decided so before." },
    },
    examples: [["A user's request", `wherry certificate ${name} ann`]],
    async run({ flags, words, env }) {
      const print = await objectPrinter(flags, printerOptions("none", env));
      if (words.length === 0 && !namesManifests(flags))
        throw new UsageError("one or more CSRs must be specified as <name> or -f <filename>");
      const named = words.map((word) => (word.includes("/") ? word : `certificatesigningrequests/${word}`));
      const client = await env.client();
      const targets = await findTargets({ words: named, manifests: flags }, env);
      const count = await targets.visitLoaded(
        async ({ key, object }) => {
          if (object.kind !== certificateSigningRequest.kind)
            throw new UsageError(
              `can only handle CertificateSigningRequest.certificates.k8s.io objects, got ${object.kind}`,
            );
          for (let tries = 1; ; tries++) {
            const request = await client.get(certificateSigningRequest, key, { signal: env.signal });
            const conditions = request.status?.conditions ?? [];
            if (conditions.some(({ type }) => type === other))
              throw new UsageError(`certificate signing request "${key.name}" is already ${other}`);
            const decided = conditions.some(({ type }) => type === condition);
            if (decided && !flags.force) break;
            const message = `This CSR was ${done} by kubectl certificate ${name}.`;
            const lastUpdateTime = timestamp(env.clock);
            const own = { type: condition, status: "True" as const, reason, message, lastUpdateTime };
            const status = { ...request.status, conditions: decided ? conditions : [...conditions, own] };
            const next = { ...request, status } as CertificateSigningRequest;
            try {
              await client.update(certificateSigningRequest, next, { subresource: "approval", signal: env.signal });
              break;
            } catch (error) {
              if (!isReason(error, "Conflict") || tries > maxTries) throw error;
            }
          }
          await print(object, done);
        },
        { latest: true },
      );
      if (count === 0) await env.terminal.write("No resources found\n");
      return 0;
    },
  });
}
