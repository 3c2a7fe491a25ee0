import type { Release } from "nova-compute-utils";

import { hostError } from "./error.js";

/** The rules of Nova's database layer that differ between releases. */
export interface DatabaseRules {
    /**
     * If true, an event belongs to the newest action of its request; when the request has no action and the context
     * has no project, to the newest action of the instance. If false, it belongs to the first action of its request.
     */
    readonly usesNewestAction: boolean;
    /** Whether finishing an action fails when several actions match. If false, the first one is finished. */
    readonly requiresOneActionToFinish: boolean;
    /** Whether starting or finishing an event sets `updated_at` of the action, if it belongs to the same request. */
    readonly eventsUpdateAction: boolean;
}

const RULES = {
    grizzly: {
        usesNewestAction: false,
        requiresOneActionToFinish: false,
        eventsUpdateAction: false,
    },
    hibiscus: {
        usesNewestAction: true,
        requiresOneActionToFinish: true,
        eventsUpdateAction: true,
    },
} as const satisfies Record<Release, DatabaseRules>;

/** Returns the rules of a release; `ValueError` when the release is unknown. */
export function databaseRules(release: Release): DatabaseRules {
    if (!Object.hasOwn(RULES, release)) {
        throw hostError("ValueError", `unknown release \`${release}\`: give \`grizzly\` or \`hibiscus\``);
    }
    return RULES[release];
}
