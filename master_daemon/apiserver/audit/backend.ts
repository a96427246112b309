/** Somewhere that audit events go. Whoever gives one never waits. */
export interface AuditBackend extends AsyncDisposable {
  /** Takes an event as JSON text, on one line. */
  add(event: string): void;
  /** Events that were lost since the start. */
  readonly dropped: number;
}
