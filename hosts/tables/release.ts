import { hostError } from "./error.js";

/** The release of Nova whose rules the tables go by. */
export type Release = "grizzly" | "hibiscus";

/** A release by its name; `ValueError` on any other. */
export function readRelease(name: string): Release {
    if (name !== "grizzly" && name !== "hibiscus") {
        throw hostError("ValueError", `unknown release \`${name}\`: give \`grizzly\` or \`hibiscus\``);
    }
    return name;
}

/** Today's Nova says itself when an action changed: with its own times, and when its events begin and end. */
export function saysWhenActionsChange(release: Release): boolean {
    return release === "hibiscus";
}

/**
 * Of several actions of one request grizzly takes the first; today's Nova takes the newest, and for a service without a
 * project the instance's newest where the request has none.
 */
export function takesNewestAction(release: Release): boolean {
    return release === "hibiscus";
}

/** Grizzly finishes the first action of a request; today's Nova refuses where there are several. */
export function wantsOneAction(release: Release): boolean {
    return release === "hibiscus";
}
