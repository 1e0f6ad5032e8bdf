import { screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { FakeBackend } from "../lib/backend/fake";
import { trouble } from "../lib/backend/fake/keys";
import { app } from "../lib/stores/app.svelte";
import { violations } from "../test/axe";
import { open } from "../test/start";

const at = (testid: string): HTMLElement => screen.getByTestId(testid);
const asked = (backend: FakeBackend, name: string): unknown =>
  backend.calls.filter((call) => call.name === name).at(-1)?.request;
const missing = trouble(
  "key.not_here",
  "Your key 86e0396b is recorded, but the keychain does not have it.",
  "Import it.",
);

async function keys(prepare: (backend: FakeBackend) => void = () => {}): Promise<FakeBackend> {
  const { backend } = await open("pipeline", prepare);
  app.view = "keys";
  await screen.findByTestId("key-86e0396b");
  return backend;
}

async function menu(key: string, item: string): Promise<void> {
  const user = userEvent.setup();
  await user.click(within(at(key)).getByTestId("key-menu"));
  await user.click(await screen.findByTestId(item));
}

describe("keys", () => {
  it("are cards with purpose, fingerprint, place, dates and backup", async () => {
    await keys();
    const release = at("key-86e0396b").textContent ?? "";
    expect(release).toContain("Acme release 2026");
    expect(release).toContain("Owns the root; approves every channel");
    expect(release).toContain("Secret Service on this computer");
    expect(release).toMatch(/Backed up, restore drill passed/);
    expect(at("key-5735e589").textContent).toContain("Exported, not proven yet");
    expect(at("key-6bc67a6d").textContent).toContain("Not backed up");
    expect(at("key-6bc67a6d").textContent).toContain("RSA-2048");
    const vault = at("key-c7416671");
    expect(vault.textContent).toContain("Held by Ines Duarte");
    expect(within(vault).queryByTestId("key-backup")).toBeNull();
    expect(at("keys-count").textContent).toBe("4 keys, 3 on this computer");
    expect(at("nav-keys").getAttribute("aria-current")).toBe("page");
  });

  it("stand in roles with thresholds, and roles end as the engine says", async () => {
    await keys();
    const production = at("role-main.production").textContent ?? "";
    expect(production).toContain("Production");
    expect(production).toContain("2 of 2");
    expect(production).toContain("Acme release 2026, Acme vault 2026");
    expect(at("role-freshness").textContent).toContain("1 of 1");
    expect(at("expiry-main.production.rollout").dataset["level"]).toBe("late");
    expect(at("expiry-main.production").dataset["level"]).toBe("half");
    expect(at("expiry-says").textContent).toContain("1 role past 80 %");
  });

  it("are read aloud by 12 words and 16 groups", async () => {
    await keys();
    await menu("key-86e0396b", "key-fingerprint");
    expect((await screen.findByTestId("fingerprint-words")).querySelectorAll("li").length).toBe(12);
    expect(at("fingerprint-hex").querySelectorAll("span").length).toBe(16);
    expect(at("fingerprint").textContent).toContain("first 132 of 256 bits");
  });
});

describe("trouble with a key", () => {
  it("stands on its card and is put right from there by import", async () => {
    const user = userEvent.setup();
    const backend = await keys((fake) => {
      fake.keys.change(fake.keys.known.keys[0]?.id ?? "", { here: false, problem: missing });
    });
    const card = at("key-86e0396b");
    expect(card.dataset["trouble"]).toBe("key.not_here");
    expect(card.textContent).toContain("is recorded, but the keychain does not have it");
    await user.click(within(card).getByTestId("key-remedy"));
    expect((at("import-name") as HTMLInputElement).value).toBe("Acme release 2026");
    await user.click(at("import-choose"));
    await user.type(await screen.findByTestId("import-passphrase"), "on a stick");
    await user.click(at("import-take"));
    await waitFor(() => expect(screen.queryByTestId("import-key")).toBeNull());
    expect(asked(backend, "key_import")).toMatchObject({ handle: "key-1", pem: null, passphrase: "on a stick" });
    await waitFor(() => expect(at("key-86e0396b").dataset["trouble"]).toBeUndefined());
  });

  it.each([
    ["key.locked", "Keychain locked", "Unlock"],
    ["key.ambiguous", "Two items of one name", "Look again"],
    ["key.no_secret_service", "No keychain", "Look again"],
  ])("%s is asked again, and only then may the keychain ask the person", async (code, says, button) => {
    const user = userEvent.setup();
    const backend = await keys((fake) => {
      for (const key of fake.keys.known.keys.filter(({ own }) => own))
        fake.keys.change(key.id, { here: false, problem: trouble(code, "It is.", "Do.") });
    });
    expect(backend.calls.some(({ name }) => name === "keys_check")).toBe(false);
    const card = within(at("key-5735e589"));
    expect(card.getByTestId("key-trouble").textContent).toContain(says);
    expect(card.getByTestId("key-remedy").textContent.trim()).toBe(button);
    await user.click(card.getByTestId("key-remedy"));
    await waitFor(() => expect(at("key-5735e589").dataset["trouble"]).toBeUndefined());
    expect(asked(backend, "keys_check")).toEqual({ workspace: "acme" });
  });

  it("of a closed passphrase file takes the passphrase in one argument", async () => {
    const user = userEvent.setup();
    const backend = await keys((fake) => {
      const id = fake.keys.known.keys[0]?.id ?? "";
      fake.keys.change(id, { here: false, problem: trouble("key.passphrase_needed", "Closed.", "Enter it.") });
    });
    await user.click(within(at("key-86e0396b")).getByTestId("key-remedy"));
    await user.click(await screen.findByTestId("unlock-open"));
    expect(asked(backend, "vault_unlock")).toBeUndefined();
    await user.type(at("unlock-passphrase"), "open sesame{Enter}");
    await waitFor(() => expect(screen.queryByTestId("unlock-vault")).toBeNull());
    expect(asked(backend, "vault_unlock")).toEqual({ workspace: "acme", passphrase: "open sesame" });
    expect(JSON.stringify(document.body.innerHTML)).not.toContain("open sesame");
  });
});

describe("a backup", () => {
  it("is written once with a passphrase typed twice, then proven", async () => {
    const user = userEvent.setup();
    const backend = await keys();
    await user.click(within(at("key-6bc67a6d")).getByTestId("key-fix"));
    await user.type(await screen.findByTestId("export-passphrase"), "one passphrase");
    await user.type(at("export-again"), "another");
    await user.click(at("export-write"));
    expect(asked(backend, "key_export")).toBeUndefined();
    expect(at("export-key").textContent).toContain("The two passphrases differ.");
    await user.clear(at("export-again"));
    await user.type(at("export-again"), "one passphrase");
    await user.click(at("export-write"));
    expect((await screen.findByTestId("export-path")).textContent).toContain("/media/stick");
    await user.click(at("export-drill"));
    await user.click(await screen.findByTestId("drill-choose"));
    await user.type(at("drill-passphrase"), "one passphrase");
    await user.click(at("drill-prove"));
    await screen.findByTestId("drill-passed");
    await user.click(at("drill-done"));
    await waitFor(() => expect(at("key-6bc67a6d").textContent).toContain("Backed up, restore drill passed"));
  });

  it("that is another key's says so and proves nothing", async () => {
    const user = userEvent.setup();
    await keys((fake) =>
      fake.fail("key_drill", trouble("key.file", "The file opens, and holds another key.", "Choose.")),
    );
    await menu("key-5735e589", "key-drill");
    await user.click(await screen.findByTestId("drill-choose"));
    await user.type(at("drill-passphrase"), "x{Enter}");
    expect((await screen.findByTestId("error-panel")).textContent).toContain("holds another key");
    expect(screen.queryByTestId("drill-passed")).toBeNull();
  });
});

describe("a key", () => {
  it("is deleted when its name is typed, and Rust hears what was typed", async () => {
    const user = userEvent.setup();
    const backend = await keys();
    await menu("key-6bc67a6d", "key-delete");
    await user.click(await screen.findByTestId("remove-go"));
    expect(asked(backend, "key_delete")).toBeUndefined();
    expect(at("delete-key").textContent).toContain("may be its last copy");
    await user.type(at("typed-confirm"), "Acme apps 2026{Enter}");
    await waitFor(() => expect(screen.queryByTestId("key-6bc67a6d")).toBeNull());
    expect(asked(backend, "key_delete")).toMatchObject({ typed: "Acme apps 2026" });
  });

  it("that roles need is not retired, and the refusal says which ceremony comes first", async () => {
    const user = userEvent.setup();
    const refusal = trouble("key.in_use", "Root still need this key.", "Rotate this owner's key first.");
    await keys((fake) => fake.fail("key_retire", refusal));
    await menu("key-86e0396b", "key-retire");
    await user.click(await screen.findByTestId("remove-go"));
    const panel = await screen.findByTestId("error-panel");
    expect(panel.textContent).toContain("Rotate this owner's key first.");
    expect(screen.queryByTestId("error-action")).toBeNull();
  });

  it("is made for a role and shows what an owner needs", async () => {
    const user = userEvent.setup();
    const backend = await keys();
    await user.click(at("new-key-open"));
    await user.selectOptions(await screen.findByTestId("new-key-kind"), "role");
    await user.click(at("new-key-make"));
    expect(asked(backend, "key_create")).toBeUndefined();
    await user.type(at("new-key-name"), "Ines 2026{Enter}");
    expect((await screen.findByTestId("new-key-public")).textContent).toMatch(/^[0-9a-f]{64}$/);
  });

  it("is imported from pasted text, which does not stay in the window", async () => {
    const user = userEvent.setup();
    const backend = await keys();
    await user.click(at("import-key-open"));
    await user.click(await screen.findByTestId("import-paste"));
    await user.type(at("import-pem"), "-----BEGIN PRIVATE KEY-----");
    await user.type(at("import-name"), "Acme Capgo 2024");
    await user.selectOptions(at("import-channel"), "production");
    await user.click(at("import-take"));
    await waitFor(() => expect(screen.queryByTestId("import-key")).toBeNull());
    expect(asked(backend, "key_import")).toMatchObject({
      handle: null,
      pem: "-----BEGIN PRIVATE KEY-----",
      passphrase: null,
      channel: "production",
    });
    expect(document.body.textContent).not.toContain("PRIVATE KEY");
  });
});

describe("the root of trust", () => {
  it("is read aloud from its words and saved as the file that others start from", async () => {
    const user = userEvent.setup();
    const backend = await keys();
    await user.click(await screen.findByTestId("root-open"));
    expect((await screen.findByTestId("root-words")).querySelectorAll("li")).toHaveLength(12);
    await user.click(at("root-save"));
    await screen.findByText("/home/sam/1.root.json");
    expect(asked(backend, "root_save")).toBeDefined();
  });
});

describe("the public key for the app", () => {
  it("stands in the form of each plugin that pins one, and not of one that does not exist", async () => {
    const user = userEvent.setup();
    const backend = await keys();
    await screen.findByTestId("dialect-ionic");
    expect(screen.queryByTestId("dialect-headgate")).toBeNull();
    await user.click(at("dialect-capawesome"));
    expect(at("key-config").textContent).toContain("LiveUpdate");
    expect(at("public-key").textContent).toContain("does not answer this plugin yet");
    await user.click(at("key-pem-save"));
    expect(asked(backend, "public_key_save")).toMatchObject({ channel: "production", dialect: "capawesome" });
    await user.selectOptions(at("public-key-channel"), "staging");
    await waitFor(() => expect(at("public-key").textContent).toContain("Staging has no RSA key"));
    await user.click(at("key-for-channel"));
    expect((await screen.findByTestId("new-key-channel")) as HTMLSelectElement).toHaveProperty("value", "staging");
  });
});

describe("accessibility rules", () => {
  it("hold on the page, with a key in trouble", async () => {
    await keys((fake) => fake.keys.change(fake.keys.known.keys[0]?.id ?? "", { here: false, problem: missing }));
    await screen.findByTestId("key-config");
    expect(await violations()).toEqual([]);
  });

  it.each([
    ["new", "new-key"],
    ["import", "import-key"],
    ["unlock", "unlock-vault"],
    ["export", "export-key"],
    ["drill", "drill-key"],
    ["delete", "delete-key"],
    ["fingerprint", "fingerprint"],
    ["root", "root-of-trust"],
  ] as const)("hold in the dialog %s", async (what, dialog) => {
    const backend = await keys();
    const key = backend.keys.known.keys[0];
    if (!key) throw new Error("no key");
    if (what === "new" || what === "import" || what === "unlock" || what === "root") app.askKey({ what });
    else app.askKey({ what, key });
    await screen.findByTestId(dialog);
    document.querySelector(".under")?.remove();
    expect(await violations(at(dialog))).toEqual([]);
  });
});
