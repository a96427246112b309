import { type FieldError, fieldError } from "../status.ts";

/** Something wrong at a path below the value that is checked; `at` is undefined for what is wrong with it as a whole. */
export interface Problem {
  readonly at: string | undefined;
  readonly error: FieldError;
}

/** More problems than anybody reads are counted, not kept. */
const maxProblems = 200;

/** What a check found, and how much was right: among alternatives the one with most matches is told of. */
export class Result {
  readonly problems: Problem[] = [];
  matches = 0;

  get valid(): boolean {
    return this.problems.length === 0;
  }

  count(): void {
    this.matches++;
  }

  add(at: string, error: FieldError): void {
    if (this.problems.length < maxProblems) this.problems.push({ at, error });
  }

  addTypeError(path: string, wanted: string, shown: string): void {
    const detail = `${path} in body must be of type ${wanted}: ${JSON.stringify(shown)}`;
    this.add(path, fieldError.typeInvalid("", shown, detail));
  }

  /** What Kubernetes tells of without a path of its own. */
  addGeneral(detail: string): void {
    if (this.problems.length < maxProblems)
      this.problems.push({ at: undefined, error: fieldError.invalid("", "", detail) });
  }

  merge(other: Result): this {
    this.matches += other.matches;
    for (const problem of other.problems) if (this.problems.length < maxProblems) this.problems.push(problem);
    return this;
  }
}
