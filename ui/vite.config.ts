import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  plugins: [svelte()],
  // Tauri serves the built files at the root of its own origin.
  base: "/",
  clearScreen: false,
  server: { host: "127.0.0.1", port: 1420, strictPort: true },
  preview: { host: "127.0.0.1" },
  // Under test, Svelte must resolve to its client build, which jsdom can mount.
  resolve: mode === "test" ? { conditions: ["browser"] } : {},
  build: {
    target: "safari15",
    outDir: "dist",
    emptyOutDir: true,
    // The content policy allows files of our own origin only: no data: URLs, no inline script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.ts"],
    // The contrast test reads the tokens as text.
    css: { include: [/tokens\.css/] },
    setupFiles: ["src/test/setup.ts"],
    restoreMocks: true,
    // Two cores that also compile Rust: slow is not wrong.
    testTimeout: 30_000,
  },
}));
