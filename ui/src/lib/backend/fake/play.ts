/** Waits for the element with a test id, at most 4 s. */
async function find(testid: string): Promise<HTMLElement | null> {
  for (let tries = 0; tries < 80; tries += 1) {
    const found = document.querySelector<HTMLElement>(`[data-testid="${testid}"]:not([aria-disabled="true"])`);
    if (found) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
  return null;
}

/** Presses controls one after the other, so that a screen deep inside can be opened by its address. */
export async function play(testids: string[]): Promise<void> {
  for (const testid of testids) {
    const element = await find(testid);
    if (!element) return;
    element.focus();
    // Menus open on the press, buttons on the click.
    element.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true, button: 0, pointerType: "mouse" }));
    element.dispatchEvent(new PointerEvent("pointerup", { bubbles: true, button: 0, pointerType: "mouse" }));
    if (!element.hasAttribute("aria-haspopup")) element.click();
    await new Promise((done) => setTimeout(done, 120));
  }
}
