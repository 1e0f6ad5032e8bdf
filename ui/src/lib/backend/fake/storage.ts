import type { Board } from "../../bindings/Board";
import type { Comparison } from "../../bindings/Comparison";
import type { ConnectCheck } from "../../bindings/ConnectCheck";
import { digest } from "./data";
import { expired } from "./upload";

/** Sample data of connection tests and of comparisons. */

const passed = (title: string, detail: string, ms: number, warning: string | null = null): ConnectCheck => ({
  title,
  detail,
  ok: true,
  warning,
  ms,
  error: null,
});

export function checks(storage: string, publicUrl: string | null): ConnectCheck[] {
  const sloppy = storage.includes("sloppy");
  return [
    passed("Reads", "Root 3, snapshot 42, 214 objects", 38),
    passed("Writes", "Wrote and removed a test object", 61),
    passed(
      "Conditional writes",
      sloppy ? "The second of two writers was not refused" : "The second of two writers was refused, as it must be",
      9,
      sloppy
        ? "This storage ignores conditional writes. With lock=1 in the address, two people cannot publish at once as long as both use Headgate."
        : null,
    ),
    ...(publicUrl === null ? [] : [passed("Public URL serves the same bytes", "timestamp.json equals storage", 12)]),
    passed("Root of trust", "Root 3 follows from the picked file", 4),
  ];
}

/** A storage that refuses whoever comes. */
export function refusedChecks(): ConnectCheck[] {
  return [{ title: "Reads", detail: "", ok: false, warning: null, ms: 212, error: expired }];
}

/** A web build beside a release: `different`, `packer` or `same`. */
function comparison(version: string, build: number, kind: "different" | "packer" | "same"): Comparison {
  const signedSha256 = digest("1d5050ae");
  const different = kind === "different";
  return {
    version,
    build,
    sameBytes: kind === "same",
    sameFiles: !different,
    signedSha256,
    ownSha256: kind === "same" ? signedSha256 : digest("88f0ac21"),
    signedPacker: "Headgate 0.1.0, level 6",
    ownPacker: kind === "packer" ? "Headgate 0.2.0, level 9" : "Headgate 0.1.0, level 6",
    added: different
      ? [
          { path: "photos-queue.5d9c20.js", size: 148_000 },
          { path: "assets/i18n/ja.json", size: 38_000 },
        ]
      : [],
    removed: different ? [{ path: "assets/img/spinner.gif", size: 44_000 }] : [],
    changed: different
      ? [
          { path: "main.a1f2c8.js", oldSize: 1_840_000, newSize: 1_911_000 },
          { path: "index.html", oldSize: 4_100, newSize: 4_100 },
          { path: "styles.e20d9a.css", oldSize: 212_000, newSize: 206_000 },
        ]
      : [],
    addedCount: different ? 2 : 0,
    removedCount: different ? 1 : 0,
    changedCount: different ? 3 : 0,
    unchangedCount: different ? 643 : 684,
  };
}

/** A comparison with a release of the board. */
export function compared(board: Board | undefined, build: number, kind: "different" | "packer" | "same"): Comparison {
  const known = board?.channels.flatMap(({ current, previous }) => [current?.release, ...previous]);
  return comparison(known?.find((release) => release?.build === build)?.version ?? "?", build, kind);
}
