import type { InstanceKey, InstanceRange, StoredInstance } from "../tables/store.js";

/** The instances in memory, by `project_id`, then `uuid`. */
export class Instances {
    readonly #instances = new Map<string, StoredInstance>();
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
        const first = after ?? { project_id: project_id ?? "", uuid: "" };
        for (let at = firstAfter(ordered, first); at < ordered.length && found.length < limit; at += 1) {
            const instance = ordered[at];
            if (instance === undefined || (project_id !== null && instance.project_id !== project_id)) {
                break;
            }
            if (host === null || instance.host === host) {
                found.push(instance);
            }
        }
        return found.map((instance) => ({ ...instance, document: structuredClone(instance.document) }));
    }
}

/** Where in the order the first one after a key is. */
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
    return compareText(one.project_id, other.project_id) || compareText(one.uuid, other.uuid);
}

/** By code units, as IndexedDB compares. */
function compareText(one: string, other: string): number {
    return one < other ? -1 : Number(one > other);
}
