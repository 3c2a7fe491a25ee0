// The views and states that the tests of looks and of accessibility visit. Each has an address and, after it, what brings
// the page into the state.

import { drop } from "./console.js";
import { ndjson } from "./servers.js";

/** Opens the sample and waits until it is imported. */
export async function sample(page) {
    await page.getByRole("combobox", { name: "Cell" }).getByText("cell: sample").waitFor({ state: "attached" });
    await page.locator("main .sentence, main .list").first().waitFor();
}

/** Servers of the sample: many devices and vifs, a failed resize, an open live migration. */
export const DEVICES = "88ebd524-78e2-4103-814b-051002c19aa9";
export const FAILED = "13300ff7-abd1-4050-a2d7-d43e66c4a759";
export const OPEN = "a06a4793-613c-4f81-a6b0-40edd5dbe3af";

/** The address of a tab of a server of the sample. */
export const tab = (uuid, name, query = "") => `/servers/${uuid}/${name}?cell=sample${query}`;

/** Waits until the sentence on top of the view has a text. */
export const found = (page, text) => page.locator("p.sentence").filter({ hasText: text }).first().waitFor();

/** An address of the sample, opened when the sample is imported. */
const inSample = (hash, ready) => ({
    hash: "/servers?cell=sample",
    enter: async (page) => {
        await sample(page);
        await page.goto(`${page.url().split("#")[0]}#${hash}`);
        await (typeof ready === "string" ? found(page, ready) : ready(page));
    },
});

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
    "windows-cell": inSample("/windows?cell=sample&host=cmp-02&window=2026-10-08T06:00", (page) =>
        page.locator("aside.side").getByRole("heading", { name: "Task log" }).waitFor(),
    ),
    "windows-ran": inSample("/windows?cell=sample", async (page) => {
        await page.getByRole("button", { name: "Run all 9 that nobody ran" }).click();
        await page.locator("p.sentence", { hasNotText: "9 of 248" }).waitFor();
    }),
    "servers-filtered": inSample("/servers?cell=sample&vm_state=active&at=1", "of 300 servers"),
    "servers-none": inSample("/servers?cell=sample&q=zzz", "0 of 300"),
    "server-overview": inSample(tab(DEVICES, "overview"), "5 devices"),
    "server-network": inSample(tab(DEVICES, "network"), "2 addresses"),
    "server-devices": inSample(tab(DEVICES, "devices", "&device=/dev/sdh"), "The next volume"),
    "device-taken": inSample(tab(DEVICES, "devices", "&device=/dev/vdf"), "The next volume"),
    "device-malformed": inSample(tab(DEVICES, "devices", "&device=/dev/vdB"), "The next volume"),
    "server-payload": inSample(tab(DEVICES, "payload", "&field=hostname&exact=1"), "fields differ"),
    "payload-grizzly": inSample(tab(DEVICES, "payload", "&left=unversioned.grizzly"), "nothing to compare with"),
    "server-actions": inSample(tab(FAILED, "actions", "&open=e275&at=e275"), "1 failed"),
    "actions-open": inSample(tab(OPEN, "actions"), "1 without an end"),
    "devices-described": inSample("/devices?names=/dev/vdb+/dev/sdf&device=/dev/vdk", "The next volume"),
};
