// Jobs: long work whose state the page receives as events.

import type { ConsoleEvent, Job, JobId, JobResult } from "./api.js";
import { problemOf } from "./errors.js";

/** Progress reaches the page at most this often. */
const INTERVAL_MS = 100;

/** Thrown by `Progress.check` after the user cancelled the job. */
export class Cancelled extends Error {
    constructor(readonly keep: boolean) {
        super("cancelled");
    }
}

/** What a running job reports to. */
export class Progress {
    readonly #job: Job;
    readonly #changed: () => void;
    #last = 0;
    #abort = new AbortController();
    #keep = true;

    constructor(job: Job, changed: () => void) {
        this.#job = job;
        this.#changed = changed;
    }

    get signal(): AbortSignal {
        return this.#abort.signal;
    }

    cancel(keep: boolean): void {
        this.#keep = keep;
        this.#abort.abort();
    }

    /** Throws `Cancelled` after the user cancelled the job. */
    check(): void {
        if (this.#abort.signal.aborted) {
            throw new Cancelled(this.#keep);
        }
    }

    /** Lets the worker answer the page, which cancels jobs and draws. */
    pause(): Promise<void> {
        return new Promise((resolve) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => {
                port1.close();
                resolve();
            };
            port2.postMessage(null);
        });
    }

    update(change: Partial<Pick<Job, "cell" | "title" | "done" | "total" | "unit" | "detail">>): void {
        Object.assign(this.#job, change);
        const now = performance.now();
        if (now - this.#last >= INTERVAL_MS) {
            this.#last = now;
            this.#changed();
        }
    }
}

export class Jobs {
    readonly #jobs = new Map<JobId, { job: Job; progress: Progress }>();
    readonly #emit: (event: ConsoleEvent) => void;

    constructor(emit: (event: ConsoleEvent) => void) {
        this.#emit = emit;
    }

    /** Starts a job and returns its id. `work` gets the progress and returns the result. */
    start(
        start: Pick<Job, "kind" | "cell" | "title" | "unit"> & { total: number | null },
        work: (progress: Progress) => Promise<JobResult>,
    ): JobId {
        const id = crypto.randomUUID();
        const job: Job = { id, state: "running", done: 0, detail: null, problem: null, result: null, ...start };
        const changed = () => this.#emit({ type: "job", job: { ...job } });
        const progress = new Progress(job, changed);
        this.#jobs.set(id, { job, progress });
        changed();
        void work(progress)
            .then(
                (result) => Object.assign(job, { state: progress.signal.aborted ? "cancelled" : "done", result }),
                (error: unknown) =>
                    error instanceof Cancelled
                        ? Object.assign(job, { state: "cancelled" })
                        : Object.assign(job, { state: "failed", problem: problemOf(error) }),
            )
            .then(changed);
        return id;
    }

    cancel(id: JobId, keep: boolean): void {
        this.#jobs.get(id)?.progress.cancel(keep);
    }

    list(): Job[] {
        return [...this.#jobs.values()].map(({ job }) => ({ ...job }));
    }
}
