// Device names: `#/devices` and the tab *Devices* of a server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";

import { openConsole } from "./support/console.js";
import { sample } from "./support/views.js";

const console_ = await openConsole();
after(() => console_.close());

const vectors = async (release) => {
    const url = new URL(`../../tests/vectors/${release}/get_device_name_for_instance.json`, import.meta.url);
    return JSON.parse(await readFile(url, "utf8")).cases;
};

/** Pastes a server, as an operator would. */
async function paste(page, text) {
    await page.getByText("Paste a server", { exact: true }).click();
    await page.getByLabel("A server as one line of NDJSON").fill(text);
}

/** Types a wish key by key. */
async function type(page, wish) {
    const field = page.getByLabel("Device, as passed to attach");
    await field.fill("");
    await field.focus();
    for (const [place, line] of wish.split("\n").entries()) {
        if (place > 0) {
            await page.keyboard.press("Shift+Enter");
        }
        await page.keyboard.type(line);
    }
    assert.equal(await field.inputValue(), wish, "the field has the wish");
}

/** What the page answers: the name, or the code and message of Nova's error. */
const outcome = (page) =>
    page.locator("#verdict").evaluate((verdict) => {
        const text = (selector) => verdict.querySelector(selector)?.textContent ?? null;
        return { for: verdict.dataset.wish, name: text("[data-name]"), code: text("[data-code]"), message: text("[data-error]") };
    });

for (const release of ["grizzly", "hibiscus"]) {
    test(`every golden vector of ${release}, typed into the validator, gives Nova's name or Nova's error`, async () => {
        const cases = await vectors(release);
        assert.ok(cases.length > 140);
        await console_.page(`/devices?release=${release}`, async (page) => {
            await page.locator("#verdict").waitFor();
            for (const { id, args, config, expect, error } of cases) {
                const { instance, bdms } = args;
                await paste(page, JSON.stringify({ instance, bdms }));
                const setting = page.getByRole("textbox", { name: release === "grizzly" ? "compute_driver" : "max_disk_devices_to_attach" });
                await setting.fill(String(Object.values(config)[0] ?? ""));
                // A falsy device is no wish to Python.
                const wish = args.device ? String(args.device) : "";
                await type(page, wish);
                await page.locator(`#verdict[data-wish="${wish.replaceAll("\n", "\\a ")}"][data-settled="true"]`).waitFor();
                const found = await outcome(page);
                if (error === undefined) {
                    assert.deepEqual([found.name, found.code], [expect, null], id);
                } else {
                    // The library words Python's own errors, such as `KeyError`, itself.
                    assert.equal(found.code, error.type, id);
                    assert.equal(found.message, error.builtin ? found.message : error.message, id);
                    assert.equal(found.name, null, id);
                }
            }
        });
    });
}

test("a wish is valid, converted, taken or malformed on each key", () =>
    console_.page("/devices?names=/dev/vdb+/dev/sdf", async (page) => {
        const verdict = page.locator("#verdict");
        await verdict.getByText("Next", { exact: true }).waitFor();
        assert.match(await page.locator(".sentence").innerText(), /The next volume will be \/dev\/vdc\./);
        const field = page.getByLabel("Device, as passed to attach");
        await field.focus();
        for (const [key, title] of [
            ["/", "Malformed: too short"],
            ["d", "Malformed: too short"],
            ["e", "Malformed: too short"],
            ["v", "Malformed: too short"],
            ["/", "Malformed: too short"],
            ["v", "Converted"],
            ["d", "Converted"],
            ["k", "Valid"],
            ["1", "Converted"],
            ["x", "Malformed: a letter"],
        ]) {
            await page.keyboard.press(key);
            await verdict.getByText(title, { exact: true }).waitFor();
        }
        assert.equal(await verdict.locator(".bad").innerText(), "x");
        for (const [wish, title, detail] of [
            ["/dev/sdc", "Converted", /\/dev\/sdc → \/dev\/vdc.*given up for \/dev\/vd/s],
            ["/dev/vdb", "Taken by volume volume-1", /DevicePathInUse: The supplied device path \(\/dev\/vdb\) is in use/],
            ["/dev/vdf", "Taken by volume volume-2, at /dev/sdf", /compares letters, not names/],
            ["/dev/vdB", "Malformed: a capital letter", /Character 8 is B \(U\+0042\)/],
            ["/dev/vdh ", "Malformed: a space", /Character 9 is a space \(U\+0020\)/],
            ["vdb", "Malformed: a letter", /Character 1 is v .*here comes \//s],
        ]) {
            await field.fill(wish);
            await verdict.getByText(title, { exact: true }).waitFor();
            assert.match(await verdict.innerText(), detail, wish);
        }
        // Each link and reload restores it.
        assert.match(page.url(), /device=vdb/);
        await page.reload();
        await page.locator("#verdict").getByText("Malformed: a letter", { exact: true }).waitFor();
    }));

test("the slots of each bus are drawn in order, with the next names ringed", () =>
    console_.page("/devices?names=/dev/vdb+/dev/sdf&device=/dev/sdk", async (page) => {
        const bus = (name) => page.getByRole("region", { name: `Bus ${name}` });
        await bus("vd").waitFor();
        const slots = await bus("vd").locator(".slot").evaluateAll((all) => all.map((one) => [one.querySelector("code")?.textContent, one.dataset.slot]));
        assert.equal(slots.length, 26);
        assert.deepEqual(Object.fromEntries(slots.filter(([, kind]) => kind !== "free")), {
            vda: "taken", vdb: "taken", vdc: "next", vdd: "later", vde: "later", vdf: "held", vdk: "wished",
        });
        assert.deepEqual(await bus("sd").locator(".slot").allInnerTexts(), ["sdf\nvolume"]);
        await page.getByLabel("Device, as passed to attach").fill("/dev/vdf");
        await page.locator(".slot[data-clash]").first().waitFor();
        assert.deepEqual(await page.locator(".slot[data-clash] code").allInnerTexts(), ["vdf", "sdf"]);
    }));

test("a server without a root device name gets the name of Nova's default, and only one is ringed", () =>
    console_.page("/devices", async (page) => {
        await paste(page, '{"instance": {"uuid": "u", "root_device_name": null}, "bdms": []}');
        await page.getByText("The next volume will be /dev/sdb.").waitFor();
        await page.getByText("this server names none").waitFor();
        assert.equal(await page.locator(".slot[data-slot=next]").count(), 1);
        assert.equal(await page.locator(".slot[data-slot=later]").count(), 0);
    }));

test("text that is no server is refused with the reason", () =>
    console_.page("/devices", async (page) => {
        await page.getByText("Paste a server", { exact: true }).click();
        const field = page.getByLabel("A server as one line of NDJSON");
        for (const [text, reason] of [["{", "This is no JSON"], ["[1]", "A server is an object"], ['{"instance": {}, "bdms": [1]}', "must be a list of objects"]]) {
            await field.fill(text);
            await page.locator("#pasted-problem").getByText(reason).waitFor();
        }
        // A malformed root device is an answer of the library, and no failure of the page.
        await field.fill('{"uuid": "u", "root_device_name": "/dev/VDA"}');
        await page.getByText("No volume gets a name here").waitFor();
        await page.locator("#verdict").getByText("Root device malformed").waitFor();
        assert.equal(await page.locator("#verdict [data-code]").innerText(), "InvalidDevicePath");
    }));

test("the limit of the configuration is in the answer", () =>
    console_.page("/devices?names=/dev/vdb&max=2", async (page) => {
        await page.locator("#verdict").getByText("Too many: the limit is 2").waitFor();
        assert.match(await page.locator("#verdict").innerText(), /TooManyDiskDevices: The maximum allowed number of disk devices \(2\)/);
        await page.getByRole("textbox", { name: "max_disk_devices_to_attach" }).fill("3");
        await page.locator("#verdict").getByText("/dev/vdc").waitFor();
    }));

test("a server's devices have roles, sizes and volumes", () =>
    console_.page("/servers?cell=sample", async (page) => {
        await sample(page);
        await page.goto(page.url().replace(/#.*/, "#/servers/88ebd524-78e2-4103-814b-051002c19aa9/devices?cell=sample"));
        await page.getByText("The next volume will be").waitFor();
        const rows = await page.getByRole("region", { name: "Devices, scrolls" }).locator("tbody tr").allInnerTexts();
        assert.deepEqual(rows.map((row) => row.split("\t").slice(0, 5).map((cell) => cell.replace("\u00a0", " "))), [
            ["/dev/vda", "root", "a", "image → local", "80 GB"],
            ["/dev/vdb", "ephemeral0", "b", "blank → local", "20 GB"],
            ["/dev/vdc", "swap", "c", "blank → local", "1 GB"],
            ["/dev/vdd", "ebs1", "d", "volume → volume", "1,000 GB"],
            ["/dev/sdf", "ebs0", "f", "volume → volume", "500 GB"],
        ]);
        await page.getByText("The guest may call its disks otherwise").waitFor();
    }));
