/** The definitions of all served kinds, by id. */
export function apiDefinitions(): { readonly definitions: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
/** The text of the packaged file. */
export function formatSchema(schema: { readonly definitions: object }): string;
/** Writes the packaged file, by default `dist/k8s-schema.json.gz`. */
export function generateSchema(file?: string): void;
