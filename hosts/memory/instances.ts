import { compareStrings, type InstanceKey, type InstanceRange, type StoredInstance } from "../tables/store.js";

/** The instances in memory, ordered by `project_id`, then `uuid`. */
export class Instances {
    readonly #instances = new Map<string, StoredInstance>();
    /** The sorted instances; `undefined` after a `put`, until `range` sorts them again. */
    #ordered: StoredInstance[] | undefined;

    put(instances: StoredInstance[]): void {
        for (const instance of instances) {
            this.#instances.set(JSON.stringify([instance.project_id, instance.uuid]), instance);
        }
        this.#ordered = undefined;
    }

    range({ host, project_id, after }: InstanceRange, limit: number): StoredInstance[] {
        this.#ordered ??= [...this.#instances.values()].sort(compare);
        const ordered = this.#ordered;
        const found: StoredInstance[] = [];
        const start = after ?? { project_id: project_id ?? "", uuid: "" };
        for (let index = firstAfter(ordered, start); found.length < limit; index += 1) {
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

/** Returns the index of the first instance after a key, by binary search. */
function firstAfter(ordered: StoredInstance[], key: InstanceKey): number {
    let [low, high] = [0, ordered.length];
    while (low < high) {
        const middle = (low + high) >> 1;
        const instance = ordered[middle];
        if (instance !== undefined && compare(instance, key) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

function compare(one: InstanceKey, other: InstanceKey): number {
    return compareStrings(one.project_id, other.project_id) || compareStrings(one.uuid, other.uuid);
}
