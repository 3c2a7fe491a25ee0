// How data comes in: dropped, chosen, pasted, or the sample.

import type { ImportSource, JobId, SourceInfo } from "../worker/api.js";
import { LIMITS } from "../worker/api.js";
import { address } from "./address.svelte.js";
import { announce } from "./announce.svelte.js";
import { api, ConsoleError, problemOf } from "./client.js";
import { console_ } from "./state.svelte.js";

/** The file of the sample, beside the page. */
const SAMPLE = "sample/sample.ndjson.gz";

/** A source that was given and looked into, and not yet imported. */
export interface Given {
    source: ImportSource;
    /** Undefined while it is looked into. */
    info: SourceInfo | undefined;
}

class Intake {
    /** The sources that wait for the user's word. */
    given = $state.raw<Given[]>([]);
    /** The sources of each import, so that a failed one can be begun again. */
    readonly jobs = new Map<JobId, ImportSource[]>();
    /** Whether files are dragged over the page. */
    dragging = $state(false);
}

export const intake = new Intake();

/** Takes sources: looks into each, and shows them under Data. A single good one is imported at once. */
export async function take(sources: ImportSource[]): Promise<void> {
    if (sources.length === 0) {
        return;
    }
    const added: Given[] = sources.map((source) => ({ source, info: undefined }));
    intake.given = [...intake.given, ...added];
    if (address.view !== "data") {
        address.go(address.href("/data"));
    }
    for (const { source } of added) {
        const info = await api.inspect(source).catch((error: unknown): SourceInfo => {
            const problem = problemOf(error);
            return { kind: null, gzip: false, bytes: source.blob.size, cell: null, notes: [], problem, fits: null };
        });
        intake.given = intake.given.map((given) => (given.source === source ? { source, info } : given));
    }
    announce(`${sources.length} ${sources.length === 1 ? "source" : "sources"} looked into.`);
    const [only] = intake.given;
    if (intake.given.length === 1 && only?.info?.problem === null && only.info.fits !== false) {
        await importGiven(false);
    }
}

/** Imports all good sources that wait. */
export async function importGiven(together: boolean): Promise<void> {
    const good = intake.given.filter(({ info }) => info?.problem === null);
    intake.given = intake.given.filter((given) => !good.includes(given));
    if (good.length > 0) {
        // The browser may ask the user; the import does not wait for the answer.
        void navigator.storage?.persist?.().catch(() => false);
        await importNow(good.map(({ source }) => source), together);
    }
}

/** Imports sources without a question. */
export async function importNow(sources: ImportSource[], together: boolean): Promise<void> {
    const job = await api.startImport({ sources, together, release: console_.release });
    intake.jobs.set(job, sources);
}

export function forget(given: Given): void {
    intake.given = intake.given.filter((one) => one !== given);
}

/** Opens the browser's dialog for files. */
export function chooseFiles(): void {
    const input = document.createElement("input");
    input.type = "file";
    input.multiple = true;
    input.addEventListener("change", () => void take(sourcesOf(input.files)));
    input.click();
}

export function sourcesOf(files: FileList | null | undefined): ImportSource[] {
    return Array.from(files ?? [], (file) => ({ name: file.name, blob: file }));
}

/** Takes text as if it were a file. */
export async function takeText(text: string): Promise<void> {
    if (text.length > LIMITS.pasteChars) {
        throw new ConsoleError({
            code: "TooLarge",
            message: `the text has more than ${LIMITS.pasteChars / 1024 ** 2} Mi characters`,
            remedy: "Save it as a file and drop the file.",
        });
    }
    await take([{ name: "pasted text", blob: new Blob([text]) }]);
}

class Sampling {
    /** Whether the sample is on its way. */
    running = $state(false);
}

export const sampling = new Sampling();

/** Imports the sample, which shows its windows. */
export async function openSample(): Promise<void> {
    if (sampling.running) {
        return;
    }
    sampling.running = true;
    try {
        await importSample();
    } finally {
        sampling.running = false;
    }
}

async function importSample(): Promise<void> {
    const response = await fetch(new URL(SAMPLE, document.baseURI));
    if (!response.ok) {
        throw new ConsoleError({ code: "NoSample", message: `the web server has no \`${SAMPLE}\` (${response.status})` });
    }
    const source = { name: "sample", blob: await response.blob() };
    await importNow([source], false);
}
