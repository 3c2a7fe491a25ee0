import type { Release } from "nova-compute-utils";

import { hostError } from "./error.js";

/** How Nova's database layer behaves where the releases differ. */
export interface DatabaseRules {
    /**
     * An event belongs to the newest action of its request, or to the newest action of the instance when the request
     * has none and the context has no project. Otherwise it belongs to the first action of its request.
     */
    readonly usesNewestAction: boolean;
    /** Finishing an action fails when several actions match. Otherwise the first one is finished. */
    readonly requiresOneActionToFinish: boolean;
    /** Starting and finishing an event sets `updated_at` of the action that the event's request owns. */
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
