import { vitePreprocess } from "@sveltejs/vite-plugin-svelte";

export default {
  preprocess: vitePreprocess(),
  // Styles stay in files: the content policy refuses <style> elements made at run time.
  compilerOptions: { css: "external", runes: true },
  vitePlugin: {
    // bits-ui ships components that are not written with `runes` forced on.
    dynamicCompileOptions({ filename }) {
      return filename.includes("node_modules") ? { runes: undefined } : undefined;
    },
  },
};
