import { mount } from "svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/components.css";
import App from "./App.svelte";
import { pickBackend } from "./lib/backend";
import { app } from "./lib/stores/app.svelte";
import { theme } from "./lib/stores/theme.svelte";

async function start(): Promise<void> {
  await pickBackend();
  await app.start();
}

theme.follow();
const target = document.getElementById("app");
if (target) mount(App, { target });
void start();
