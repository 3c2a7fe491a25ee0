// The shell: first screen, bar, address, keys, palette, looks.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { drop, imported, openConsole } from "./support/console.js";
import { ndjson } from "./support/servers.js";
import { sample } from "./support/views.js";

const console_ = await openConsole();
after(() => console_.close());

const hash = (page) => page.evaluate(() => location.hash);

test("the first screen shows the answer of the sample", () =>
    console_.page("/", async (page) => {
        await sample(page);
        await page.locator(".sentence").getByText("never ran").waitFor();
        assert.match(await hash(page), /^#\/windows/);
    }));

test("a link to a cell that is not here says which file it was", () =>
    console_.page("/servers?cell=prod-cell1.sqlite&q=web", async (page) => {
        await page.locator(".sentence").getByText("The cell prod-cell1.sqlite is not in this browser.").waitFor();
        await page.getByText("Drop that file here, and the link works.").waitFor();
        // The file is dropped: the link works, with all that is in it.
        await drop(page, { name: "prod-cell1.sqlite", data: ndjson(4) });
        await imported(page, "prod-cell1.sqlite", 4);
        await page.goBack();
        await page.locator(".list").waitFor();
        assert.match(await hash(page), /^#\/servers\?cell=prod-cell1\.sqlite&q=web/);
    }));

test("the views are reached by the keyboard, and back leads back", () =>
    console_.page("/windows", async (page) => {
        await sample(page);
        for (const [keys, view] of [["gs", "Servers"], ["gd", "Data"], ["gv", "Devices"], ["gw", "Windows"]]) {
            for (const key of keys) {
                await page.keyboard.press(key);
            }
            await page.getByRole("heading", { level: 1, name: view }).waitFor();
            assert.equal(await page.locator("nav [aria-current=page]").innerText(), view);
            assert.match(await page.title(), new RegExp(`^${view} `));
        }
        await page.goBack();
        await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
        await page.reload();
        await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
    }));

test("`/` searches, `j` and `k` select, `Enter` opens, `Esc` goes back", () =>
    console_.page("/data", async (page) => {
        await drop(page, { name: "c.ndjson", data: ndjson(50) });
        await imported(page, "c.ndjson", 50);
        await page.keyboard.press("g");
        await page.keyboard.press("s");
        await page.getByRole("row", { name: /^web-0 / }).waitFor();
        await page.keyboard.press("/");
        await page.keyboard.type("web-4");
        await page.getByText("11 of 50 servers").waitFor();
        await page.keyboard.press("Escape");
        for (const key of ["j", "j", "j", "k"]) {
            await page.keyboard.press(key);
        }
        const selected = page.locator("[role=row][aria-selected=true]");
        await selected.waitFor();
        const name = await selected.locator("[role=gridcell]").first().innerText();
        assert.match(name.trim(), /^web-4/);
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: new RegExp(`/ ${name.trim()}$`) }).waitFor();
        await page.keyboard.press("Escape");
        await page.getByText("11 of 50 servers").waitFor();
    }));

test("the palette finds views, servers by name and uuid, and commands", () =>
    console_.page("/data", async (page) => {
        await drop(page, { name: "c.ndjson", data: ndjson(50) });
        await imported(page, "c.ndjson", 50);
        const search = async (text, found) => {
            await page.keyboard.press("Control+k");
            await page.getByRole("combobox", { name: "Search" }).fill(text);
            await page.locator("[data-command-item]").filter({ hasText: found }).first().waitFor();
        };
        await search("web-33", "web-33");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: "/ web-33" }).waitFor();
        await search("4000-8000-00000000000a", "web-10");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: "/ web-10" }).waitFor();
        await search("device", "Devices");
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
        await search("dark", "Dark");
        await page.keyboard.press("Enter");
        assert.equal(await page.evaluate(() => document.documentElement.dataset["theme"]), "dark");
        await page.keyboard.press("Control+k");
        await page.getByRole("combobox", { name: "Search" }).fill("no such thing");
        await page.getByText("Nothing has “no such thing” in its name.").waitFor();
        await page.keyboard.press("Escape");
        assert.equal(await page.getByRole("dialog").count(), 0);
    }));

test("times are in UTC or local, as the address says, and the other is on hover", () =>
    console_.page(
        "/data",
        async (page) => {
            await drop(page, { name: "c.ndjson", data: ndjson(3) });
            await imported(page, "c.ndjson", 3);
            await page.getByRole("link", { name: "Servers", exact: true }).click();
            const launched = page.getByRole("row", { name: /^web-1 / }).locator("time").first();
            assert.equal(await launched.innerText(), "2026-10-01 00:00:10");
            await launched.hover();
            await page.getByRole("tooltip").getByText("2026-09-30 21:30:10 America/St_Johns").waitFor();
            await page.locator(".choice").getByText("Local").click();
            assert.match(await hash(page), /zone=local/);
            assert.equal(await launched.innerText(), "2026-09-30 21:30:10");
            await page.reload();
            await page.getByText("2026-09-30 21:30:10").first().waitFor();
        },
        { timezoneId: "America/St_Johns" },
    ));

test("looks are kept in this browser", () =>
    console_.page("/data", async (page) => {
        const height = () => page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--row").trim());
        assert.equal(await height(), "1.75rem");
        await page.getByText("comfortable").click();
        await page.getByText("dark", { exact: true }).click();
        assert.equal(await height(), "2.25rem");
        await page.reload();
        await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
        assert.equal(await height(), "2.25rem");
        assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
    }));

test("an address that is no view says so", () =>
    console_.page("/nothing/here", async (page) => {
        await page.getByText("The address /nothing/here is no view of this console.").waitFor();
        await page.locator("main").getByRole("link", { name: "Servers" }).click();
        await page.getByRole("heading", { level: 1, name: "Servers" }).waitFor();
    }));

test("the release of Nova is in the address, and another cell begins with its own", () =>
    console_.page("/data", async (page) => {
        await drop(page, { name: "c.ndjson", data: ndjson(3) });
        await imported(page, "c.ndjson", 3);
        await page.getByRole("combobox", { name: "Release of Nova" }).selectOption("grizzly");
        assert.match(await hash(page), /release=grizzly/);
        await page.reload();
        await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
        assert.equal(await page.getByRole("combobox", { name: "Release of Nova" }).inputValue(), "grizzly");
    }));
