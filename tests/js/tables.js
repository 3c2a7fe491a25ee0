// Runs the operations of the vectors `db_*` on a conductor with tables. The runner in `tests/conformance` calls the
// methods of `Tables` by name.

/** The request context of periodic tasks. */
const NO_CONTEXT = { user_id: null, project_id: null, request_id: null, timestamp: null, glance_endpoint: null };

/** A conductor with tables: the host in memory, the one on IndexedDB, or another with the same methods. */
export class Tables {
    #open;
    #conductor;
    #now = "1970-01-01T00:00:00";

    /**
     * @param open a function that opens a conductor with empty tables for the options `{ release, now }`
     */
    constructor(open) {
        this.#open = open;
    }

    /** Replaces the conductor by one with empty tables and the rules of this release. */
    async empty(release) {
        await this.#conductor?.close?.();
        this.#conductor = await this.#open({ release, now: () => this.#now });
    }

    /** Runs an operation. Returns the part of the conductor's answer that Nova also returns, and throws its error. */
    async operate({ name, now, arguments: values, context }) {
        const operation = OPERATIONS[name];
        if (operation === undefined) {
            throw new Error(`unknown operation ${name}`);
        }
        this.#now = now;
        return (await operation(this.#conductor, context, values)) ?? null;
    }

    /** Returns the UUIDs of the instances that a window query selects, read page by page. */
    async activeByWindow(instances, query) {
        const conductor = await this.#open({ release: "hibiscus", now: () => this.#now });
        try {
            await conductor.addInstances(instances);
            const uuids = [];
            let marker = null;
            do {
                const page = await conductor.instanceGetActiveByWindow(NO_CONTEXT, { ...query, marker, limit: 2 });
                uuids.push(...page.instances.map(uuidOf));
                marker = page.next_marker ?? null;
            } while (marker !== null);
            return uuids;
        } finally {
            await conductor.close?.();
        }
    }

    /** Returns these columns of all rows of a table, oldest first. */
    async rows(table, columns) {
        const rows = await this.#conductor.rows(table);
        const isListed = ([column]) => columns.includes(column);
        return rows.map((row) => Object.fromEntries(Object.entries(row).filter(isListed)));
    }
}

const OPERATIONS = {
    begin_task: (conductor, context, task) => conductor.taskLogBeginTask(context, task),
    end_task: (conductor, context, task) => conductor.taskLogEndTask(context, task),
    get_all: (conductor, _, query) => conductor.taskLogGetAll(query),
    // Nova's `task_log_get` also takes a state, which `taskLogGet` does not.
    get: async (conductor, _, query) => (await conductor.taskLogGetAll(query))[0],
    action_start: (conductor, context, { values }) => conductor.actionStart(context, values).then(idOf),
    action_finish: (conductor, context, { values }) => conductor.actionFinish(context, values).then(idOf),
    action_event_start: (conductor, context, { values }) => conductor.actionEventStart(context, values).then(idOf),
    action_event_finish: (conductor, context, { values }) => conductor.actionEventFinish(context, values).then(idOf),
    instance_fault_create: (conductor, context, { values }) => conductor.instanceFaultCreate(context, values),
    instance_fault_get_by_instance_uuids: (conductor, _, query) => conductor.instanceFaultGetByInstanceUuids(query),
    bw_usage_update: (conductor, _, update) => conductor.bwUsageUpdate(update),
    bw_usage_get: (conductor, _, query) => conductor.bwUsageGet(query),
    bw_usage_get_by_uuids: (conductor, context, query) => conductor.bwUsageGetByUuids(context, query),
    vol_usage_update: (conductor, _, update) => conductor.volUsageUpdate(update).then(idOf),
    vol_get_usage_by_time: (conductor, _, query) => conductor.volGetUsageByTime(query),
};

function idOf({ id }) {
    return { id };
}

function uuidOf(instance) {
    return (typeof instance === "string" ? JSON.parse(instance) : instance).uuid;
}
