// What every view needs: the cells, the storage, the jobs, and the cell and release of the address.

import type { CellInfo, ConsoleEvent, Job, Problem, Release, StorageState, Table } from "../worker/api.js";
import { address } from "./address.svelte.js";
import { problemOf, start } from "./client.js";

class ConsoleState {
    /** Null until the worker has started. */
    storage = $state.raw<StorageState | null>(null);
    cells = $state.raw<CellInfo[]>([]);
    jobs = $state.raw<Job[]>([]);
    /** Why the worker could not start. */
    problem = $state.raw<Problem | null>(null);
    /** Grows when the tables of a cell change. */
    #versions = $state.raw<Record<string, number>>({});

    /** Whether the worker has started. */
    get ready(): boolean {
        return this.storage !== null;
    }

    /** The cell of the address, or the first one when the address names none; null when it is not here. */
    get cell(): CellInfo | null {
        const name = address.cell;
        return (name === null ? this.cells[0] : this.cells.find((cell) => cell.name === name)) ?? null;
    }

    /** The name in the address when that cell is not here. */
    get missing(): string | null {
        return this.ready && this.cell === null ? address.cell : null;
    }

    get release(): Release {
        return address.release ?? this.cell?.release ?? "hibiscus";
    }

    /** Changes when the tables of the cell change: a view that reads it asks the worker again. */
    version(cell: string): number {
        return this.#versions[cell] ?? 0;
    }

    async start(): Promise<void> {
        try {
            const { storage, cells } = await start((event) => this.#receive(event));
            [this.storage, this.cells] = [storage, cells];
        } catch (error) {
            this.problem = problemOf(error);
        }
    }

    #receive(event: ConsoleEvent): void {
        if (event.type === "storage") {
            this.storage = event.storage;
        } else if (event.type === "cells") {
            this.cells = event.cells;
            this.#touch(event.changed);
        } else {
            const { job } = event;
            this.jobs = [job, ...this.jobs.filter(({ id }) => id !== job.id)];
        }
    }

    #touch(changed: { cell: string; tables: Table[] } | null): void {
        const names = changed === null ? Object.keys(this.#versions) : [changed.cell];
        this.#versions = { ...this.#versions, ...Object.fromEntries(names.map((name) => [name, this.version(name) + 1])) };
    }
}

export const console_ = new ConsoleState();
