// Servers: the list, and the tabs of a server.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { downloaded, drop, dropMany, imported, openConsole } from "./support/console.js";
import { server } from "./support/servers.js";
import { DEVICES, FAILED, found, OPEN, sample, tab } from "./support/views.js";

const console_ = await openConsole();
after(() => console_.close());

/** Opens an address of the sample. */
const inSample = (hash, work, options) =>
    console_.page(
        "/servers?cell=sample",
        async (page, context) => {
            await sample(page);
            await page.goto(`${console_.url}#${hash}`);
            await work(page, context);
        },
        options,
    );
const hash = (page) => decodeURIComponent(new URL(page.url()).hash);

test("the list is searched as one types, filtered by facets with counts, and sorted", () =>
    inSample("/servers?cell=sample", async (page) => {
        await found(page, "300 servers: 213 active, 68 deleted, 17 stopped, 2 error.");
        await page.keyboard.press("/");
        await page.keyboard.type("artifacts");
        await found(page, "7 of 300 servers");
        const facet = (name) => page.getByRole("group", { name: "Filters" }).getByRole("checkbox", { name });
        await facet("stopped 1").check();
        await found(page, "1 of 300 servers");
        await page.getByRole("row", { name: /artifacts-02 stopped/ }).waitFor();
        assert.match(hash(page), /q=artifacts/);
        assert.match(hash(page), /vm_state=stopped/);

        await page.reload();
        await found(page, "1 of 300 servers");
        assert.equal(await page.getByRole("searchbox", { name: "Search servers" }).inputValue(), "artifacts");
        await page.goBack();
        await found(page, "7 of 300 servers");
        await page.getByRole("link", { name: "Show all servers" }).click();
        await found(page, "300 servers");

        await page.getByRole("button", { name: "Launched" }).click();
        await page.getByRole("columnheader", { name: "Launched" }).and(page.locator("[aria-sort=ascending]")).waitFor();
        await page.getByRole("button", { name: "Launched" }).click();
        await page.getByRole("columnheader", { name: "Launched" }).and(page.locator("[aria-sort=descending]")).waitFor();
        assert.match(hash(page), /sort=-launched_at/);
    }));

test("a list without a match says so, and leads back", () =>
    inSample("/servers?cell=sample&q=no-such-server", async (page) => {
        await page.getByText("No server is found with this search and these filters.").waitFor();
        await page.locator("main").getByRole("link", { name: "Show all servers" }).first().click();
        await found(page, "300 servers");
    }));

test("the filtered view is exported as CSV and NDJSON", () =>
    inSample("/servers?cell=sample&q=artifacts&vm_state=active", async (page) => {
        await found(page, "6 of 300 servers");
        const csv = await downloaded(page, () => page.getByRole("button", { name: "CSV", exact: true }).click());
        assert.equal(csv.text.trim().split(/\r?\n/).length, 7);
        const ndjson = await downloaded(page, () => page.getByRole("button", { name: "NDJSON", exact: true }).click());
        const lines = ndjson.text.trim().split("\n").map((line) => JSON.parse(line));
        assert.deepEqual(lines.map(({ display_name }) => /^artifacts-/.test(display_name)), Array(6).fill(true));
    }));

test("the keyboard alone goes from the list through the tabs and back to the same list", () =>
    inSample("/servers?cell=sample&q=artifacts", async (page) => {
        await found(page, "7 of 300 servers");
        await page.getByRole("row", { name: /artifacts-01/ }).waitFor();
        await page.keyboard.press("j");
        await page.getByRole("row", { name: /artifacts-01/ }).and(page.locator("[aria-selected=true]")).waitFor();
        await page.keyboard.press("j");
        await page.keyboard.press("k");
        await page.waitForFunction(() => location.hash.includes("at=0"));
        await page.keyboard.press("Enter");
        await page.getByRole("heading", { level: 1, name: "Servers / artifacts-01" }).waitFor();
        await page.getByRole("tab", { name: "Overview" }).focus();
        for (const [name, text] of [["Network", "2 addresses"], ["Devices", "The next volume will be"], ["Payload", "fields differ"], ["Actions", "1 action"]]) {
            await page.keyboard.press("ArrowRight");
            await page.getByRole("tab", { name, selected: true }).and(page.locator(":focus")).waitFor();
            await found(page, text);
        }
        await page.keyboard.press("Escape");
        await found(page, "7 of 300 servers");
        assert.equal(await page.getByRole("searchbox", { name: "Search servers" }).inputValue(), "artifacts");
    }));

test("the overview says what the cell knows, and leads to the tabs", () =>
    inSample(tab(DEVICES, "overview"), async (page) => {
        await found(page, "active on cmp-01, launched 28 Mar 07:11: 5 devices, 2 addresses, 1 action, no fault.");
        await page.getByText("m1.large: 4 vCPU, 8 GB, 80 + 20 GB disk, 1 GB swap").waitFor();
        const facts = await page.getByRole("region", { name: "Flavor" }).locator("dd").allInnerTexts();
        assert.deepEqual(facts, ["m1.large", "4", "8 GB", "80 + 20 GB", "1 GB"]);
        await page.locator(".sentence").getByRole("link", { name: "5 devices" }).click();
        await found(page, "The next volume will be /dev/vde.");
        await page.goBack();
        await found(page, "active on cmp-01");
    }));

test("the network is nested: vif, network, subnets, addresses", () =>
    inSample(tab(DEVICES, "network"), async (page) => {
        await found(page, "2 addresses on 2 vifs in 2 networks.");
        const paths = await page.locator(".tree").evaluate((tree) => {
            const name = (item) => item.querySelector(":scope > .row b").textContent;
            const walk = (list) => [...list.children].map((item) => ({ [name(item)]: [...item.querySelectorAll(":scope > ul")].flatMap(walk) }));
            return walk(tree);
        });
        assert.deepEqual(paths, [
            { "tap8a29110d-58": [{ "ci-net": [{ "10.22.0.0/24": [{ "10.22.0.28": [] }] }] }] },
            { "tap801b43bf-85": [{ storage: [{ "172.16.8.0/24": [{ "172.16.8.201": [] }] }] }] },
        ]);
    }));

test("two payloads are compared to the character, and only what changed is left when asked", () =>
    inSample(tab(DEVICES, "payload"), async (page) => {
        await found(page, "of 70 fields differ");
        const row = (name) => page.getByRole("row").filter({ has: page.getByRole("button", { name, exact: true }) });
        const begin = row("audit_period_beginning");
        assert.equal(await begin.getAttribute("data-diff"), "form");
        assert.deepEqual(await begin.locator("mark").allTextContents(), [" ", "T", "Z"]);
        assert.equal(await row("hostname").getAttribute("data-diff"), "moved");
        assert.equal(await row("display_name").getAttribute("data-diff"), "same");
        assert.equal(await row("key_name").getAttribute("data-diff"), "right");
        assert.equal(await row("image_meta").getAttribute("data-diff"), "left");

        // What a field is derived from: by pointer, and by a tap that stays in the address.
        await row("disk_gb").getByRole("button").click();
        await page.getByRole("tooltip").filter({ hasText: "flavor.root_gb + flavor.ephemeral_gb" }).waitFor();
        assert.match(hash(page), /field=disk_gb/);

        await page.keyboard.press("c");
        await row("display_name").waitFor({ state: "detached" });
        assert.equal(await page.locator('tr[data-diff="same"]').count(), 0);
        assert.match(hash(page), /changed=1/);
        await page.reload();
        await found(page, "of 70 fields differ");
        assert.equal(await page.locator('tr[data-diff="same"]').count(), 0);
        await page.getByRole("checkbox", { name: "Show envelope" }).check();
        await page.getByRole("row", { name: "Envelope" }).waitFor();
    }));

test("the exact bytes are copied, and every number keeps its form", () =>
    inSample(tab(DEVICES, "payload", "&exact=1"), async (page) => {
        const button = page.getByRole("button", { name: /^Copy right, / });
        const size = Number((await button.innerText()).replace(/\D/g, ""));
        await button.click();
        await page.getByRole("button", { name: "Copied" }).waitFor();
        const text = await page.evaluate(() => navigator.clipboard.readText());
        assert.equal(Buffer.byteLength(text), size);
        assert.equal(JSON.parse(text)["nova_object.name"], "InstanceExistsPayload");
        assert.match(text, /"rxtx_factor":1\.0,/);
        assert.equal(await page.getByRole("region", { name: "versioned, hibiscus, exact bytes 2", exact: true }).innerText(), text);
    }));

test("a payload that Nova cannot build leaves the other one, with the error", () =>
    inSample(tab(DEVICES, "payload", "&left=unversioned.grizzly"), async (page) => {
        await page.getByRole("alert").getByText("KeyError").waitFor();
        await page.getByText("instance_type_name").waitFor();
        await found(page, "fields on the right, nothing to compare with.");
        await page.getByRole("combobox", { name: "Left" }).selectOption("unversioned, hibiscus");
        await found(page, "of 70 fields differ");
    }));

test("the keys [ and ] step through the windows of the payload", () =>
    inSample(tab(DEVICES, "payload"), async (page) => {
        await found(page, "fields differ");
        const window = page.getByRole("combobox", { name: "window" });
        const last = await window.inputValue();
        await page.keyboard.press("[");
        await page.waitForFunction(() => location.hash.includes("window="));
        assert.notEqual(await window.inputValue(), last);
        await page.keyboard.press("]");
        await page.waitForFunction((last) => decodeURIComponent(location.hash).includes(last), last);
    }));

test("the actions are a waterfall: results, traceback and fault in place", () =>
    inSample(tab(FAILED, "actions"), async (page) => {
        await found(page, "2 actions: 1 failed, none without an end; 1 fault.");
        const resize = page.getByRole("article", { name: "resize" });
        const steps = await resize.locator(".step").evaluateAll((all) =>
            all.map((step) => {
                const bar = step.querySelector("rect, svg > svg");
                return [step.querySelector(".what").textContent.trim(), step.querySelector(".state").textContent, parseFloat(bar.getAttribute("x"))];
            }),
        );
        assert.deepEqual(steps.map(([name, state]) => [name, state]), [
            ["conductor_migrate_server", "Success"],
            ["compute_prep_resize", "Success"],
            ["compute_resize_instance", "Error"],
            ["Fault 500", "fault"],
        ]);
        const starts = steps.map(([, , start]) => start);
        assert.deepEqual(starts, starts.toSorted((a, b) => a - b), "from left to right");
        await resize.getByRole("button", { name: "Traceback and details" }).last().click();
        await page.getByRole("region", { name: "Traceback" }).getByText("in _resize_instance").waitFor();
        assert.match(hash(page), /open=e\d+/);
        await page.reload();
        await page.getByRole("region", { name: "Traceback" }).waitFor();
        await page.getByRole("link", { name: "1 failed" }).click();
        await page.getByRole("article", { name: "create" }).waitFor({ state: "detached" });
    }));

test("an unfinished action ends open", () =>
    inSample(tab(OPEN, "actions"), async (page) => {
        await found(page, "2 actions: none failed, 1 without an end; no fault.");
        const migration = page.getByRole("article", { name: "live-migration" });
        await migration.getByText("open for 19 h 8 min, by the clock of this cell").waitFor();
        const bar = await migration.locator("rect").evaluate((rect) => parseFloat(rect.getAttribute("x")) + parseFloat(rect.getAttribute("width")));
        assert.ok(bar > 100, "the bar leaves the line");
        await page.keyboard.press("j");
        await page.keyboard.press("Enter");
        await page.getByText("finished").waitFor();
        await page.getByText("no end").last().waitFor();
    }));

test("what is not here is said: a server, a cell, an empty tab", () =>
    console_.page("/servers/nobody?cell=elsewhere", async (page) => {
        await page.getByText("The cell elsewhere is not in this browser.").waitFor();
        await page.goto(`${console_.url}#/data`);
        await drop(page, { name: "cloud.ndjson", data: JSON.stringify(server(1, { info_cache: { network_info: null } })) });
        await imported(page, "cloud.ndjson", 1);
        await page.goto(`${console_.url}#/servers/nobody?cell=cloud.ndjson`);
        await page.getByRole("alert").getByText("NoServer").waitFor();
        await page.getByRole("link", { name: "Servers of this cell" }).click();
        await page.getByRole("row", { name: /web-1/ }).click();
        await page.getByRole("tab", { name: "Network" }).click();
        await found(page, "This server has no network info.");
        await page.getByRole("tab", { name: "Actions" }).click();
        await found(page, "No action of this server is in this cell.");
    }));

test("hostile text stays text", () =>
    console_.page("/data", async (page) => {
        const evil = "<img src=x onerror=alert(1)>'\"><script>alert(2)</script>";
        const hostile = server(1, {
            display_name: evil, host: evil, vm_state: evil, project_id: evil, metadata: { [evil]: evil }, root_device_name: evil,
            block_devices: [{ device_name: evil, source_type: evil, destination_type: "volume", volume_id: evil, volume_size: 1 }],
        });
        await drop(page, { name: "hostile.ndjson", data: JSON.stringify(hostile) });
        await imported(page, "hostile.ndjson", 1);
        for (const name of ["overview", "network", "devices", "payload", "actions"]) {
            await page.goto(`${console_.url}#/servers/${hostile.uuid}/${name}?cell=hostile.ndjson`);
            await page.getByRole("tab", { name, selected: true }).waitFor();
            await page.locator("#panel .sentence, #panel [role=alert]").first().waitFor();
            assert.equal(await page.locator("main img, main script").count(), 0, name);
            assert.ok((await page.locator("h1").innerText()).includes(evil));
        }
    }));

test("a list of 20,000 servers keeps at most 120 rows in the document", () =>
    console_.page("/data", async (page) => {
        await dropMany(page, "many.ndjson", 20_000);
        await imported(page, "many.ndjson", 20_000);
        await page.goto(`${console_.url}#/servers?cell=many.ndjson`);
        await found(page, "20,000 servers");
        const grid = page.getByRole("grid", { name: "Servers" });
        await grid.focus();
        await page.keyboard.press("End");
        await page.waitForFunction(() => location.hash.includes("at=19999"));
        await page.locator('[role=row][aria-rowindex="20001"]').waitFor();
        assert.ok((await page.getByRole("row").count()) <= 120);
        await page.keyboard.press("/");
        await page.keyboard.type("web-19999");
        await found(page, "1 of 20,000 servers");
    }));
