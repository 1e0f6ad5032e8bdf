import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FakeBackend } from "../../lib/backend/fake";
import { trouble } from "../../lib/backend/fake/keys";
import { app } from "../../lib/stores/app.svelte";
import { violations } from "../../test/axe";
import { open } from "../../test/start";
import { publicError } from "./words";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const HEX = "0a1b2c3d".repeat(8);
const OTHER = "f0e1d2c3".repeat(8);

function asked(backend: FakeBackend, name: string): unknown {
  return backend.calls.filter((call) => call.name === name).at(-1)?.request;
}

async function sheet(prepare: (backend: FakeBackend) => void = () => {}) {
  const { backend } = await open("pipeline", prepare);
  app.view = "keys";
  const user = userEvent.setup();
  await user.click(await screen.findByTestId("change-roles"));
  await screen.findByTestId("trust-choose");
  return { backend, user };
}

async function form(kind: string, prepare: (backend: FakeBackend) => void = () => {}) {
  const opened = await sheet(prepare);
  await opened.user.click(at(`trust-${kind}`));
  await opened.user.click(at("trust-next"));
  await screen.findByTestId("trust-form");
  return opened;
}

/** All keys on this computer: nothing has to be asked for. */
const allHere = (backend: FakeBackend): void => {
  const ring = backend.keys.known;
  const own = ring.roles.map((role) => ({ ...role, keys: role.keys.map((key) => ({ ...key, own: true })) }));
  backend.keys.ring = { ...ring, keys: ring.keys.map((key) => ({ ...key, own: true })), roles: own };
};

describe("the choice", () => {
  it("offers a team only to a solo workspace", async () => {
    await sheet();
    expect(screen.queryByTestId("trust-team")).toBeNull();
    expect(within(at("trust-choose")).getAllByRole("radio").length).toBe(7);
    expect(at("trust-next").getAttribute("aria-disabled")).toBe("true");
  });

  it("is made before the form, and can be made again", async () => {
    const { user } = await form("threshold", (backend) => (backend.keys.profile = "solo"));
    await user.click(at("trust-back"));
    await user.click(at("trust-team"));
    await user.click(at("trust-next"));
    expect(at("member-1")).toBeTruthy();
  });
});

describe("the form", () => {
  it("takes a public key and nothing that only looks like one", () => {
    const own = { id: OTHER, name: "", holder: "", own: true, signed: false, arrived: null };
    const view = { profile: "team", keys: [own], roles: [], last: "production" };
    expect(publicError(HEX, view.keys, [])).toBeNull();
    expect(publicError(` ${HEX}\n`, view.keys, [])).toBeNull();
    expect(publicError(HEX.slice(1), view.keys, [])).toContain("63");
    expect(publicError(HEX.toUpperCase(), view.keys, [])).toContain("lower case");
    expect(publicError(`${HEX.slice(0, 63)}о`, view.keys, [])).not.toBeNull();
    expect(publicError("-----BEGIN PUBLIC KEY-----", view.keys, [])).toContain("PEM");
    expect(publicError(OTHER, view.keys, [])).toContain("fingerprint");
    expect(publicError(HEX, view.keys, [HEX])).toContain("Two people");
  });

  it("says at the field what is missing, and derives nothing before", async () => {
    const { backend, user } = await form("add");
    await user.type(at("member-public-0"), "abc");
    expect(at("member-0").textContent).toContain("these are 3");
    await user.click(at("trust-next"));
    expect(at("member-0").textContent).toContain("Give the key a name.");
    expect(at("add-roles").textContent).toContain("Choose at least one role.");
    expect(asked(backend, "trust_prepare")).toBeUndefined();
    await user.clear(at("member-public-0"));
    await user.type(at("member-public-0"), HEX);
    await user.type(at("member-name-0"), "Acme vault 2026");
    expect(at("member-0").textContent).toContain("A key has this name.");
    await user.clear(at("member-name-0"));
    await user.type(at("member-name-0"), "Jonas 2026");
    await user.type(at("member-holder-0"), "Jonas Weber");
    await user.click(at("add-role-main.production"));
    await user.click(at("trust-next"));
    await screen.findByTestId("trust-review");
    expect(asked(backend, "trust_prepare")).toEqual({
      workspace: "acme",
      reason: "",
      ceremony: {
        kind: "add",
        member: { public: HEX, name: "Jonas 2026", holder: "Jonas Weber" },
        roles: ["main.production"],
      },
    });
  });

  it("bounds a threshold by the keys of the role", async () => {
    const { user } = await form("threshold");
    await user.selectOptions(at("trust-role"), "main.production");
    expect(at("trust-threshold").querySelectorAll("option").length).toBe(2);
    expect((at("trust-threshold") as HTMLSelectElement).value).toBe("2");
    expect(at("trust-why").textContent).toContain("another number");
  });

  it("lets a key sign only what it does not sign, and stops it only where it signs", async () => {
    const { user } = await form("grant");
    const options = (): string[] => [...at("trust-role").querySelectorAll("option")].map((option) => option.value);
    await user.selectOptions(at("trust-key"), screen.getByRole("option", { name: /Acme vault 2026/ }));
    expect(options()).toContain("root");
    expect(options()).not.toContain("main.production");
    await user.click(at("trust-back"));
    await user.click(at("trust-revoke"));
    await user.click(at("trust-next"));
    await user.selectOptions(at("trust-key"), screen.getByRole("option", { name: /Acme vault 2026/ }));
    expect(options()).toEqual(["main.production"]);
  });

  it("shows the engine's refusal with its way out, and stays", async () => {
    const { user } = await form("remove");
    await user.selectOptions(at("trust-key"), screen.getByRole("option", { name: /Acme vault 2026/ }));
    await user.click(at("trust-next"));
    expect((await screen.findByTestId("error-remedy")).textContent).toContain("Lower the threshold first");
    expect(at("trust-form")).toBeTruthy();
  });

  it("is filled in from the menu of a key that counts for a role", async () => {
    const { user } = await sheet();
    await user.click(at("trust-cancel"));
    await user.click(within(at("key-6bc67a6d")).getByTestId("key-menu"));
    await screen.findByTestId("key-fingerprint");
    expect(screen.queryByTestId("key-replace")).toBeNull();
    await user.keyboard("{Escape}");
    await user.click(within(at("key-c7416671")).getByTestId("key-menu"));
    await user.click(await screen.findByTestId("key-replace"));
    await screen.findByTestId("trust-form");
    expect((at("trust-key") as HTMLSelectElement).value).toMatch(/^c7416671/);
    expect(at("trust-holds").textContent).toContain("Approvals on main.production");
  });
});

describe("the review", () => {
  it("shows before and after, and weaker protection must be ticked besides the typed name", async () => {
    const { backend, user } = await form("threshold", allHere);
    await user.selectOptions(at("trust-role"), "main.production");
    await user.selectOptions(at("trust-threshold"), "1");
    await user.click(at("trust-next"));
    const row = (await screen.findByTestId("trust-lines")).querySelector("[data-mark=danger]");
    expect(row?.textContent).toContain("Approvals on main.production, weaker than before");
    expect(row?.textContent).toContain("2 of 2");
    expect(row?.textContent).toContain("1 of 2");
    expect(at("trust-weakened").textContent).toContain("main.production needs 1 of 2 signatures instead of 2 of 2");
    await user.type(at("typed-confirm"), "com.acme.field");
    expect(at("trust-confirm").getAttribute("aria-disabled")).toBe("true");
    expect(at("trust-why").textContent).toContain("your tick");
    await user.type(at("typed-confirm"), "{Enter}");
    expect(asked(backend, "trust_start")).toBeUndefined();
    await user.click(at("trust-accept"));
    expect(at("trust-confirm").getAttribute("aria-disabled")).toBeNull();
  });

  it("publishes with the reason, follows the job and shows what was read back", async () => {
    const { backend, user } = await form("threshold", allHere);
    await user.selectOptions(at("trust-role"), "main.staging");
    await user.selectOptions(at("trust-threshold"), "2");
    await user.click(at("trust-next"));
    await screen.findByTestId("trust-review");
    expect(screen.queryByTestId("trust-weakened")).toBeNull();
    await user.type(at("trust-reason"), "Two people look");
    await user.type(at("typed-confirm"), "com.acme.fiel");
    await user.click(at("trust-confirm"));
    expect(asked(backend, "trust_start")).toBeUndefined();
    await user.type(at("typed-confirm"), "d");
    await user.click(at("trust-confirm"));
    expect((await screen.findByTestId("receipt-headline")).textContent).toContain("Change a threshold");
    expect(asked(backend, "trust_prepare")).toMatchObject({ reason: "Two people look" });
    expect(asked(backend, "trust_start")).toEqual({ plan: "plan-threshold", typed: "com.acme.field" });
    expect(asked(backend, "approval_ask")).toBeUndefined();
  });

  it("asks where signatures of others are missing, and types nothing for that", async () => {
    const { backend, user } = await form("rotate");
    await user.type(at("member-public-0"), HEX);
    await user.type(at("member-name-0"), "Mara 2027");
    await user.type(at("member-holder-0"), "Mara Lindqvist");
    await user.click(at("trust-next"));
    await screen.findByTestId("trust-review");
    expect(at("trust-missing").textContent).toContain("Mara 2027 (0a1b2c3d)");
    expect(screen.queryByTestId("typed-confirm")).toBeNull();
    expect(at("trust-confirm").textContent).toContain("Ask for signatures");
    await user.type(at("trust-reason"), "Old laptop");
    await user.click(at("trust-confirm"));
    expect((await screen.findByTestId("trust-asked")).textContent).toContain("Waiting for 2 more signatures");
    expect(at("trust-asked").textContent).toContain("The request is in Requests.");
    expect(asked(backend, "approval_ask")).toEqual({ plan: "plan-rotate", reason: "Old laptop" });
    expect(asked(backend, "trust_start")).toBeUndefined();
  });

  it("signs nothing when roles changed meanwhile, and shows what it would be now", async () => {
    const { backend, user } = await form("threshold", allHere);
    await user.selectOptions(at("trust-role"), "main.staging");
    await user.selectOptions(at("trust-threshold"), "2");
    await user.click(at("trust-next"));
    await user.type(await screen.findByTestId("trust-reason"), "Two");
    await user.type(at("typed-confirm"), "com.acme.field");
    const ring = backend.keys.known;
    const fewer = ring.roles.map((role) =>
      role.role === "main.staging" ? { ...role, keys: [...role.keys].reverse() } : role,
    );
    backend.keys.ring = { ...ring, roles: fewer };
    await user.click(at("trust-confirm"));
    await screen.findByTestId("trust-moved");
    expect(asked(backend, "trust_start")).toBeUndefined();
  });

  it("says why it cannot be signed here when asking others would not help", async () => {
    const { backend, user } = await form("threshold", allHere);
    await user.selectOptions(at("trust-role"), "main.staging");
    await user.selectOptions(at("trust-threshold"), "2");
    const problem = trouble("key.not_here", "Your key 86e0396b is not in this keychain.", "Import it.");
    backend.keys.change(backend.keys.known.keys[0]?.id ?? "", { problem });
    await user.click(at("trust-next"));
    expect((await screen.findByTestId("error-code")).textContent).toBe("key.not_here");
    expect(screen.queryByTestId("typed-confirm")).toBeNull();
    expect(at("trust-confirm").getAttribute("aria-disabled")).toBe("true");
  });

  it("shows names of keys as text", async () => {
    const { user } = await form("add");
    await user.type(at("member-public-0"), HEX);
    await user.type(at("member-name-0"), "<img src=x onerror=alert(1)>");
    await user.type(at("member-holder-0"), "<b>Eve</b>");
    await user.click(at("add-role-root"));
    await user.click(at("trust-next"));
    await screen.findByTestId("trust-review");
    expect(at("trust-review").querySelector("img, td b")).toBeNull();
    expect(at("trust-lines").textContent).toContain("<b>Eve</b>");
  });
});

describe("accessibility rules", () => {
  it("hold in every step", async () => {
    const { user } = await sheet((backend) => {
      backend.keys.profile = "solo";
    });
    const clean = async (): Promise<void> => {
      document.querySelector(".under")?.setAttribute("hidden", "");
      expect(await violations(at("trust-sheet"))).toEqual([]);
    };
    await clean();
    await user.click(at("trust-team"));
    await user.click(at("trust-next"));
    for (const [index, hex] of [HEX, OTHER].entries()) {
      await user.type(at(`member-public-${index}`), hex);
      await user.type(at(`member-name-${index}`), `Key ${index}`);
      await user.type(at(`member-holder-${index}`), "Ines");
    }
    await clean();
    await user.click(at("trust-next"));
    await waitFor(() => at("trust-review"));
    await clean();
  });
});
