/** Waits for the element with a test id, at most 4 s. */
async function find(testid: string): Promise<HTMLElement | null> {
  for (let tries = 0; tries < 80; tries += 1) {
    const found = document.querySelector<HTMLElement>(`[data-testid="${testid}"]:not([aria-disabled="true"])`);
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  return null;
}

/** Presses controls one after the other, or pastes (`paste:TEXT`), so that a screen deep inside can be opened by its address. */
export async function play(testids: string[]): Promise<void> {
  for (const testid of testids) {
    if (testid.startsWith("paste:")) {
      await find("board");
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", testid.slice("paste:".length));
      document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }));
      continue;
    }
    const element = await find(testid);
    if (!element) return;
    element.focus();
    // Menus open on the press, everything else on the click.
    element.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, button: 0, pointerType: "mouse" }));
    element.dispatchEvent(new PointerEvent("pointerup", { bubbles: true, button: 0, pointerType: "mouse" }));
    if (element.getAttribute("aria-haspopup") !== "menu") element.click();
    await new Promise((done) => setTimeout(done, 120));
  }
}
