import { call, toIpcError } from "../backend";
import { toasts } from "./toasts.svelte";

export type ThemeChoice = "system" | "light" | "dark" | "contrast";

export const themes: readonly ThemeChoice[] = ["system", "light", "dark", "contrast"];

/** Names of the choices, for the button. */
export const themeNames: Record<ThemeChoice, string> = {
  system: "like the system",
  light: "light",
  dark: "dark",
  contrast: "high contrast",
};

/** The theme that the person chose, and what it comes to on this computer. */
class Theme {
  choice = $state<ThemeChoice>("system");
  #osDark = $state(false);
  #osContrast = $state(false);

  get shown(): "light" | "dark" | "contrast" {
    if (this.choice !== "system") return this.choice;
    if (this.#osContrast) return "contrast";
    return this.#osDark ? "dark" : "light";
  }

  get next(): ThemeChoice {
    return themes[(themes.indexOf(this.choice) + 1) % themes.length] ?? "system";
  }

  /** Takes the choice that the engine remembers; one of a newer version counts as `system`. */
  take(choice: string): void {
    this.choice = themes.find((known) => known === choice) ?? "system";
    this.apply();
  }

  /** Follows the OS from now on. Runs before the first paint, so that a dark desktop sees no white flash. */
  follow(): void {
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const contrast = window.matchMedia("(prefers-contrast: more)");
    const read = (): void => {
      this.#osDark = dark.matches;
      this.#osContrast = contrast.matches;
      this.apply();
    };
    dark.addEventListener("change", read);
    contrast.addEventListener("change", read);
    read();
  }

  /** Puts the theme on the document. */
  apply(): void {
    document.documentElement.dataset["theme"] = this.shown;
  }

  /** Goes on to the next theme. */
  cycle(): Promise<void> {
    return this.choose(this.next);
  }

  /** Takes a theme and remembers it. */
  async choose(choice: ThemeChoice): Promise<void> {
    this.choice = choice;
    this.apply();
    try {
      await call("set_theme", { theme: this.choice });
    } catch (thrown) {
      toasts.error(toIpcError(thrown));
    }
  }
}

export const theme = new Theme();
