import { compareStrings, type InstanceKey, type InstanceRange, type StoredInstance } from "../tables/store.js";

/** The instances in memory, ordered by `project_id`, then `uuid`. */
export class Instances {
    readonly #instances = new Map<string, StoredInstance>();
    /** The sorted instances; `undefined` after a `put`, until `range` sorts them again. */
    #ordered: StoredInstance[] | undefined;

    put(instances: StoredInstance[]): void {
        for (const instance of instances) {
            this.#instances.set(textOf(instance), instance);
        }
        this.#ordered = undefined;
    }

    get size(): number {
        return this.#instances.size;
    }

    get(key: InstanceKey): StoredInstance | undefined {
        return structuredClone(this.#instances.get(textOf(key)));
    }

    range({ host, project_id, after }: InstanceRange, limit: number): StoredInstance[] {
        this.#ordered ??= [...this.#instances.values()].sort(compare);
        const ordered = this.#ordered;
        const found: StoredInstance[] = [];
        const start = after ?? { project_id: project_id ?? "", uuid: "" };
        const first = firstIndex(ordered, (instance) => compare(instance, start) > 0);
        for (let index = first; found.length < limit; index += 1) {
            const instance = ordered[index];
            if (instance === undefined || (project_id !== null && instance.project_id !== project_id)) {
                break;
            }
            if (host === null || instance.host === host) {
                found.push({ ...instance, document: structuredClone(instance.document) });
            }
        }
        return found;
    }
}

/**
 * Returns the index of the first value that is `isLater`, by binary search; the number of values when none is. No value
 * after such a one may be another.
 */
export function firstIndex<T>(ordered: T[], isLater: (value: T) => boolean): number {
    let [low, high] = [0, ordered.length];
    while (low < high) {
        const middle = (low + high) >> 1;
        if (isLater(ordered[middle] as T)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

function textOf({ project_id, uuid }: InstanceKey): string {
    return JSON.stringify([project_id, uuid]);
}

function compare(one: InstanceKey, other: InstanceKey): number {
    return compareStrings(one.project_id, other.project_id) || compareStrings(one.uuid, other.uuid);
}
