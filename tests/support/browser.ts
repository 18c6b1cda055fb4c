/**
 * A real browser for the tests of pages: Chromium, without a window. Tests are skipped, visibly, where there is
 * none; CHROMIUM names one that lies elsewhere.
 */
import type { Browser } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The program; null where there is none. */
export const CHROMIUM: string | null = [Deno.env.get("CHROMIUM") ?? "", ...PLACES].find((path) => {
  try {
    return path !== "" && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}) ?? null;

/** Start it, with nothing that reaches for the network. */
export async function startBrowser(): Promise<Browser> {
  const { chromium } = await import("playwright-core");
  return await chromium.launch({
    executablePath: CHROMIUM!,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
