import type { Alert } from "../src/lib/api";

/** An urgent, open, active fever, but for what `with_` says. */
export function sampleAlert(with_: Partial<Alert> = {}): Alert {
  return {
    id: "a-1",
    episode: "e-001",
    person: "p-001",
    grid: "grid-03",
    device: "w-000001",
    rule: "fever",
    severity: "urgent",
    condition: "active",
    response: "open",
    outcome: null,
    raised_at: "2026-02-03T04:05:06Z",
    onset_at: "2026-02-03T03:54:00Z",
    cleared_at: null,
    last_at: "2026-02-03T04:05:00Z",
    late: false,
    summary: "Please check on p-001",
    evidence: {},
    assignee: null,
    deadline_at: null,
    told: [],
    previous: null,
    version: 1,
    building: "3",
    vulnerable: false,
    ...with_,
  };
}
