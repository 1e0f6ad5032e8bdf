import type { ConnectTest } from "../../lib/bindings/ConnectTest";
import { clock, plural } from "../../lib/format";

/** The result of a test in a line: "5 of 5 passed, 1 warning, at 14:21". */
export function testSays(test: ConnectTest): { tone: "ok" | "warn" | "danger"; says: string } {
  const good = test.checks.filter((check) => check.ok).length;
  const warnings = warningsOf(test);
  const warned = warnings > 0 ? `, ${plural(warnings, "warning")},` : "";
  return {
    tone: good < test.checks.length ? "danger" : warnings > 0 ? "warn" : "ok",
    says: `${String(good)} of ${String(test.checks.length)} passed${warned} at ${clock(test.at)}`,
  };
}

/** Lines that passed and still say something that the person must know. */
export function warningsOf(test: ConnectTest | null): number {
  return test?.checks.filter((check) => check.ok && check.warning !== null).length ?? 0;
}

/** The line that failed for want of valid credentials, if one did. */
export function wantsCredentials(test: ConnectTest | null): boolean {
  return test?.checks.some((check) => check.error?.code === "storage.credentials") ?? false;
}
