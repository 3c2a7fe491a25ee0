// The views and states that the tests of looks and of accessibility visit. Each has an address and, after it, what brings
// the page into the state.

import { drop } from "./console.js";
import { ndjson } from "./servers.js";

/** Opens the sample and waits until it is imported. */
export async function sample(page) {
    await page.getByRole("combobox", { name: "Cell" }).getByText("cell: sample").waitFor({ state: "attached" });
    await page.locator("main .sentence, main .list").first().waitFor();
}

/** @type {Record<string, { hash: string, enter: (page: import("playwright-core").Page) => Promise<void> }>} */
export const VIEWS = {
    "data-empty": { hash: "/data", enter: (page) => page.getByText("No cell is here").waitFor() },
    "data-paste": { hash: "/data", enter: (page) => page.getByRole("button", { name: "Paste text" }).click() },
    "data-refused": {
        hash: "/data",
        enter: async (page) => {
            await drop(page, { name: "notes.txt", data: "hello" }, { name: "cloud.ndjson", data: ndjson(3) });
            await page.getByText("neither a SQLite database").first().waitFor();
            await page.getByRole("button", { name: "Import 1 source" }).waitFor();
        },
    },
    "data-unreadable": {
        hash: "/data",
        enter: async (page) => {
            await drop(page, { name: "mixed.ndjson", data: `${ndjson(40)}no JSON\n{"name":"x"}\n` });
            await page.getByText("All else was kept.").waitFor();
        },
    },
    "data-clear": {
        hash: "/data",
        enter: async (page) => {
            await page.getByRole("button", { name: "Clear everything" }).click();
            await page.getByText("Remove all cells, imports and settings?").waitFor();
        },
    },
    "data-memory": {
        hash: "/data",
        enter: async (page) => {
            await page.getByRole("button", { name: "Go on in memory" }).click();
            await page.getByText("In memory.", { exact: true }).waitFor();
        },
    },
    "windows-empty": { hash: "/windows?cell=elsewhere.sqlite", enter: (page) => page.getByText("elsewhere.sqlite").nth(1).waitFor() },
    "not-found": { hash: "/nothing", enter: (page) => page.getByText("is no view of this console").waitFor() },
    windows: { hash: "/windows", enter: sample },
    servers: { hash: "/servers?cell=sample", enter: sample },
    devices: { hash: "/devices?cell=sample", enter: sample },
    data: { hash: "/windows", enter: async (page) => (await sample(page), page.getByRole("link", { name: "Data", exact: true }).click(), page.getByRole("heading", { name: "Cells" }).waitFor()) },
    palette: {
        hash: "/windows",
        enter: async (page) => {
            await sample(page);
            await page.keyboard.press("Control+k");
            await page.getByRole("combobox", { name: "Search" }).fill("w");
            await page.locator("[data-command-item]").first().waitFor();
        },
    },
    keys: { hash: "/data", enter: async (page) => (await page.keyboard.press("?"), page.getByRole("dialog", { name: "Keys" }).waitFor()) },
};
