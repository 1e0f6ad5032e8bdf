import axe from "axe-core";

/** Rules that need layout or a whole document; the tokens are checked for contrast by themselves. */
const rules = { "color-contrast": { enabled: false }, region: { enabled: false } };

/** What breaks the accessibility rules, as sentences. */
export async function violations(within: Element = document.body): Promise<string[]> {
  const { violations: found } = await axe.run(within, { rules });
  return found.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
}
