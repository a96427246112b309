import { type ConfigurationReader, readConfiguration } from "../../core/api/configuration_reader.ts";
import { type FieldError, fieldError } from "../../core/api/status.ts";
import { splitCertificates } from "../../core/platform/certificates.ts";
import { asymmetricAlgorithms, type JwtIssuer } from "./jwt.ts";
import { readUserMapping } from "./jwt_mapping.ts";

/** What an AuthenticationConfiguration says. */
export interface AuthenticationConfiguration {
  readonly issuers: readonly ConfiguredIssuer[];
  /** Absent: the file does not say. */
  readonly anonymous?: AnonymousConfiguration | undefined;
}

/** Whether requests that show nothing are served. */
export interface AnonymousConfiguration {
  readonly enabled: boolean;
  /** Paths for which they are; absent: for all. */
  readonly paths?: readonly string[] | undefined;
}

/** An identity provider, and how its keys are got. */
export interface ConfiguredIssuer extends JwtIssuer {
  readonly discoveryUrl: string | undefined;
  /** PEM. Absent: the system's authorities are trusted. */
  readonly certificateAuthority: string | undefined;
}

const maxIssuers = 64;
const apiVersions = ["v1", "v1beta1", "v1alpha1"].map((version) => `apiserver.config.k8s.io/${version}`);

/**
 * Reads the file of `--authentication-config`.
 *
 * @param options.ownIssuers those of ServiceAccount tokens, which no other provider may have
 * @throws SyntaxError naming everything that is wrong with it
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#using-authentication-configuration
 */
export function readAuthenticationConfiguration(
  path: string,
  { ownIssuers }: { readonly ownIssuers: readonly string[] },
): Promise<AuthenticationConfiguration> {
  const read = (reader: ConfigurationReader): AuthenticationConfiguration => {
    const entries = reader.objects("jwt");
    if (entries.length > maxIssuers) reader.note(fieldError.tooMany("jwt", entries.length, maxIssuers));
    const issuers = entries.map((entry) => readIssuer(entry, ownIssuers));
    noteDuplicates(reader, issuers, "url", ({ url }) => url);
    noteDuplicates(reader, issuers, "discoveryURL", ({ discoveryUrl }) => discoveryUrl ?? "");
    return { issuers, anonymous: readAnonymous(reader.object("anonymous")) };
  };
  return readConfiguration(path, { kind: "AuthenticationConfiguration", apiVersions, read });
}

function noteDuplicates(
  reader: ConfigurationReader,
  issuers: readonly ConfiguredIssuer[],
  member: string,
  get: (issuer: ConfiguredIssuer) => string,
): void {
  const texts = issuers.map(get);
  for (const [index, text] of texts.entries())
    if (text !== "" && texts.indexOf(text) !== index)
      reader.note(fieldError.duplicate(`jwt[${index}].issuer.${member}`, text));
}

function readAnonymous(reader: ConfigurationReader | undefined): AnonymousConfiguration | undefined {
  if (!reader) return undefined;
  const enabled = reader.boolean("enabled");
  const conditions = reader.objects("conditions");
  const paths = conditions.map((condition) => condition.text("path"));
  if (!enabled && paths.length > 0)
    reader.note(
      fieldError.invalid(
        reader.at("conditions"),
        paths.map((path) => ({ path })),
        "enabled should be set to true when conditions are defined",
      ),
    );
  return { enabled, paths: paths.length > 0 ? paths : undefined };
}

function readIssuer(reader: ConfigurationReader, ownIssuers: readonly string[]): ConfiguredIssuer {
  const issuer = reader.object("issuer");
  if (!issuer) reader.note(fieldError.required(`${reader.at("issuer")}.url`));
  const url = issuer?.text("url") ?? "";
  const discoveryUrl = issuer?.text("discoveryURL") || undefined;
  const certificateAuthority = issuer?.text("certificateAuthority") || undefined;
  if (issuer) {
    if (url === "") issuer.note(fieldError.required(issuer.at("url")));
    else issuer.note(...urlErrors(issuer.at("url"), url, ownIssuers));
    if (discoveryUrl) issuer.note(...discoveryErrors(issuer.at("discoveryURL"), discoveryUrl, url));
    if (certificateAuthority && splitCertificates(certificateAuthority).length === 0)
      issuer.note(
        fieldError.invalid(
          issuer.at("certificateAuthority"),
          "<omitted>",
          "data does not contain any valid RSA or ECDSA certificates",
        ),
      );
    // What would have to stand between is nowhere here.
    if (issuer.has("egressSelectorType"))
      issuer.note(fieldError.forbidden(issuer.at("egressSelectorType"), "there are no egress selectors here"));
  }
  return {
    url,
    discoveryUrl,
    certificateAuthority,
    audiences: issuer ? readAudiences(issuer) : [],
    signingAlgs: asymmetricAlgorithms,
    userOf: readUserMapping(reader),
  };
}

function urlErrors(field: string, text: string, ownIssuers: readonly string[]): readonly FieldError[] {
  const wrong = (detail: string) => fieldError.invalid(field, text, detail);
  const errors: FieldError[] = [];
  if (ownIssuers.includes(text))
    errors.push(wrong(`URL must not overlap with disallowed issuers: [${[...ownIssuers].sort().join(" ")}]`));
  if (!URL.canParse(text)) return [...errors, wrong(`parse ${JSON.stringify(text)}: invalid URI for request`)];
  const url = new URL(text);
  if (url.protocol !== "https:") errors.push(wrong("URL scheme must be https"));
  if (url.username !== "" || url.password !== "") errors.push(wrong("URL must not contain a username or password"));
  if (url.search !== "") errors.push(wrong("URL must not contain a query"));
  if (url.hash !== "") errors.push(wrong("URL must not contain a fragment"));
  return errors;
}

function discoveryErrors(field: string, text: string, issuerUrl: string): readonly FieldError[] {
  const bare = (url: string) => url.replace(/\/{1,64}$/, "");
  const isSame = issuerUrl !== "" && bare(text) === bare(issuerUrl);
  const same = isSame ? [fieldError.invalid(field, text, "discoveryURL must be different from URL")] : [];
  return [...same, ...urlErrors(field, text, [])];
}

function readAudiences(issuer: ConfigurationReader): readonly string[] {
  const audiences = issuer.texts("audiences");
  const policy = issuer.text("audienceMatchPolicy");
  const at = issuer.at("audiences");
  if (audiences.length === 0) issuer.note(fieldError.required(at, `at least one ${at} is required`));
  for (const [index, audience] of audiences.entries()) {
    if (audience === "") issuer.note(fieldError.required(`${at}[${index}]`));
    if (audiences.indexOf(audience) !== index) issuer.note(fieldError.duplicate(`${at}[${index}]`, audience));
  }
  const policyAt = issuer.at("audienceMatchPolicy");
  if (audiences.length > 1 && policy !== "MatchAny")
    issuer.note(fieldError.invalid(policyAt, policy, "audienceMatchPolicy must be MatchAny for multiple audiences"));
  if (audiences.length === 1 && policy !== "" && policy !== "MatchAny")
    issuer.note(
      fieldError.invalid(policyAt, policy, "audienceMatchPolicy must be empty or MatchAny for single audience"),
    );
  return audiences;
}
