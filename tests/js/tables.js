// Plays the operations of the `db_*` vectors on a conductor with tables, as `tests/conformance/src/tables/` does.

/** A conductor with tables: the hosts in memory and on IndexedDB, or another with their methods. */
export class Tables {
    #open;
    #conductor;
    #now = "1970-01-01T00:00:00";

    /**
     * @param open gives a fresh conductor, whose tables are empty, for `{ release, now }`.
     */
    constructor(open) {
        this.#open = open;
    }

    /** Empty all tables, and go by the rules of a release. */
    async empty(release) {
        await this.#conductor?.close?.();
        this.#conductor = await this.#open({ release, now: () => this.#now });
    }

    /** Do what an operation says. The answer is what the conductor gives of Nova's; its error is thrown. */
    async operate({ name, now, arguments: given, context }) {
        const operation = OPERATIONS[name];
        if (operation === undefined) {
            throw new Error(`unknown operation ${name}`);
        }
        this.#now = now;
        return (await operation(this.#conductor, given, context)) ?? null;
    }

    /** The UUIDs of those of some instances that are in a window, asked for page by page. */
    async activeByWindow(instances, query) {
        const conductor = await this.#open({ release: "hibiscus", now: () => this.#now });
        try {
            await conductor.addInstances(instances);
            const uuids = [];
            let marker = null;
            do {
                const page = await conductor.instanceGetActiveByWindow({ ...query, marker, limit: 2 });
                uuids.push(...page.instances.map(uuidOf));
                marker = page.next_marker ?? null;
            } while (marker !== null);
            return uuids;
        } finally {
            await conductor.close?.();
        }
    }

    /** The rows of a table, oldest first: these columns of them. */
    async rows(table, columns) {
        const rows = await this.#conductor.rows(table);
        const wanted = ([column]) => columns.includes(column);
        return rows.map((row) => Object.fromEntries(Object.entries(row).filter(wanted)));
    }
}

const OPERATIONS = {
    begin_task: (conductor, task) => conductor.taskLogBeginTask(task),
    end_task: (conductor, task) => conductor.taskLogEndTask(task),
    get_all: (conductor, query) => conductor.taskLogGetAll(query),
    // Nova's takes a state too, and any host.
    get: async (conductor, query) => (await conductor.taskLogGetAll(query))[0],
    action_start: (conductor, { values }, context) => conductor.actionStart(context, values).then(idOf),
    action_finish: (conductor, { values }, context) => conductor.actionFinish(context, values).then(idOf),
    action_event_start: (conductor, { values }, context) => conductor.actionEventStart(context, values).then(idOf),
    action_event_finish: (conductor, { values }, context) => conductor.actionEventFinish(context, values).then(idOf),
    instance_fault_create: (conductor, { values }) => conductor.instanceFaultCreate(values),
    instance_fault_get_by_instance_uuids: (conductor, query) => conductor.instanceFaultGetByInstanceUuids(query),
    bw_usage_update: (conductor, update) => conductor.bwUsageUpdate(update),
    bw_usage_get: (conductor, query) => conductor.bwUsageGet(query),
    bw_usage_get_by_uuids: (conductor, query) => conductor.bwUsageGetByUuids(query),
    vol_usage_update: (conductor, update) => conductor.volUsageUpdate(update).then(idOf),
    vol_get_usage_by_time: (conductor, query) => conductor.volGetUsageByTime(query),
};

function idOf({ id }) {
    return { id };
}

function uuidOf(instance) {
    return (typeof instance === "string" ? JSON.parse(instance) : instance).uuid;
}
